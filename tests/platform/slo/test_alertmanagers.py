"""Three real Alertmanagers that gossip send each message once, whichever two die."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.e2e.backends import eventually
from tests.e2e.inbox import Inbox, listening
from tests.platform.slo.alertmanager import Alertmanager, write_config
from tests.platform.slo.real import serving, tool
from tests.service import free_port
from tests.support import listeners

REPLICAS = 3
SCALE = 1 / 10  # `group_wait` of pages is a second, `group_interval` 30 s
# Longer than a peer waits for the one before it, so that a second message would have come.
QUIET_SECONDS = 8.0
PAGE = {"severity": "page", "service_name": "ports", "deployment_environment_name": "prod"}


@dataclass
class Cluster:
    """The replicas, each with what stops it."""

    inbox: Inbox
    replicas: dict[int, Alertmanager] = field(default_factory=dict)
    stacks: dict[int, ExitStack] = field(default_factory=dict)

    def tell(self, slo: str) -> None:
        """Send an alert to each replica that lives, as Prometheus does."""
        for replica in self.replicas.values():
            replica.tell([{"alertname": "Burn", "slo": slo, **PAGE}])

    def kill(self, number: int) -> None:
        """End a replica without a goodbye to its peers."""
        listeners.on(httpx.URL(self.replicas.pop(number).url).port or 0).kill()
        self.stacks.pop(number).close()

    def messages(self, slo: str) -> int:
        """Return how many messages told of an SLO's page."""
        return sum(
            any(alert["labels"].get("slo") == slo for alert in message.body["alerts"])
            for message in list(self.inbox.messages)
        )


@contextmanager
def cluster(folder: Path, *, is_joined: bool = True) -> Iterator[Cluster]:
    """Run the replicas until the block ends.

    Args:
        folder: Where their files lie.
        is_joined: Whether they gossip.
    """
    inbox_port = free_port()
    gossip = {number: f"127.0.0.1:{free_port()}" for number in range(REPLICAS)}
    file = write_config(folder, SCALE, f"http://127.0.0.1:{inbox_port}")
    with listening(inbox_port) as inbox, ExitStack() as all_of_them:
        found = Cluster(inbox)
        for number, address in gossip.items():
            url = f"http://127.0.0.1:{free_port()}"
            joined = (
                f"--cluster.listen-address={address}",
                *(f"--cluster.peer={other}" for other in gossip.values() if other != address),
                "--cluster.peer-timeout=1s",
                "--cluster.settle-timeout=5s",
                "--cluster.gossip-interval=50ms",
            )
            command = (
                tool("alertmanager"),
                f"--config.file={file}",
                f"--storage.path={folder / f'data-{number}'}",
                f"--web.listen-address={url.removeprefix('http://')}",
                *(joined if is_joined else ("--cluster.listen-address=",)),
            )
            stack = all_of_them.enter_context(ExitStack())
            log = folder / f"log-{number}"
            stack.enter_context(serving(*command, url=url, ready="/-/healthy", log=log))
            found.replicas[number] = Alertmanager(url, inbox)
            found.stacks[number] = stack
        if is_joined:
            eventually(lambda: all(_peers(one.url) == REPLICAS for one in found.replicas.values()))
        yield found


def _peers(url: str) -> int:
    status = httpx.get(f"{url}/api/v2/status").json()["cluster"]
    return len(status["peers"]) if status["status"] == "ready" else 0


@pytest.mark.parametrize("survivor", range(REPLICAS))
def test_two_of_three_die_and_each_alert_is_one_message(tmp_path: Path, survivor: int) -> None:
    with cluster(tmp_path) as running:
        running.tell("before")
        eventually(lambda: running.messages("before"))
        dying = [number for number in range(REPLICAS) if number != survivor]
        # The first dies after a message, the second while an alert waits for its message.
        running.kill(dying[0])
        running.tell("meanwhile")
        running.kill(dying[1])
        eventually(lambda: running.messages("meanwhile"))
        running.tell("after")
        eventually(lambda: running.messages("after"))
        ends = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < ends:
            for slo in ("before", "meanwhile", "after"):
                running.tell(slo)
                assert running.messages(slo) == 1
            time.sleep(0.5)


def test_replicas_that_do_not_know_each_other_would_send_three(tmp_path: Path) -> None:
    """The messages are counted: without gossip there is one of each replica."""
    with cluster(tmp_path, is_joined=False) as running:
        running.tell("alone")
        eventually(lambda: running.messages("alone") == REPLICAS)

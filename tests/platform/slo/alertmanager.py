"""A real Alertmanager with the configuration that clusters get."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stack import compressed, values

from tests.e2e.inbox import Inbox, listening
from tests.platform.slo.real import serving, tool
from tests.service import free_port

Labels = dict[str, str]
# The address that people write into the file of the heartbeat, by docs/alerts.md.
HEARTBEAT = (
    "{{ .GroupLabels.alertname | toLower }}"
    "{{ with .GroupLabels.deployment_environment_name }}-{{ . }}{{ end }}"
)


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager, and what its receivers got."""

    url: str
    inbox: Inbox

    def tell(self, alerts: Sequence[Labels], ends: str | None = None) -> None:
        """Send alerts as Prometheus does.

        Args:
            alerts: labels of each.
            ends: until when they are believed to fire, in RFC 3339; by default for five minutes.
        """
        until = {"endsAt": ends} if ends else {}
        sent = [{"labels": labels, **until} for labels in alerts]
        httpx.post(f"{self.url}/api/v2/alerts", json=sent).raise_for_status()

    def alerts(self) -> list[dict[str, Any]]:
        """Return every alert, with what became of it."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v2/alerts").json()
        return found

    def groups(self) -> list[tuple[str, Labels, int]]:
        """Return receiver, labels and number of alerts of each group."""
        found = httpx.get(f"{self.url}/api/v2/alerts/groups").json()
        return [(g["receiver"]["name"], g["labels"], len(g["alerts"])) for g in found]


def write_config(folder: Path, scale: float = 1, receivers: str = "http://127.0.0.1:9") -> Path:
    """Write the configuration of clusters into a folder, its durations compressed."""
    config = compressed.alertmanager(values.alertmanager(folder), scale)
    for receiver in config["receivers"]:
        (folder / receiver["name"]).write_text(f"{receivers}/{receiver['name']}")
    (folder / "watchdog").write_text(f"{receivers}/watchdog/{HEARTBEAT}\n")
    file = folder / "alertmanager.yaml"
    file.write_text(json.dumps(config))
    return file


@contextmanager
def running(folder: Path, scale: float = 1) -> Iterator[Alertmanager]:
    """Run Alertmanager until the block ends."""
    inbox_port, url = free_port(), f"http://127.0.0.1:{free_port()}"
    command = (
        tool("alertmanager"),
        f"--config.file={write_config(folder, scale, f'http://127.0.0.1:{inbox_port}')}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    )
    with (
        listening(inbox_port) as inbox,
        serving(*command, url=url, ready="/-/ready", log=folder / "log"),
    ):
        yield Alertmanager(url, inbox)

"""Two clusters under one Query, in which replicas go away and come back."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.e2e.backends import eventually
from tests.e2e.inbox import Message
from tests.platform.slo.alertmanager import Alertmanager, running
from tests.support.exposition import exposing
from tests.support.harness import wait_for
from tests.thanos import pods
from tests.thanos.deployment import Deployment, deployed
from tests.thanos.pods import Pod

# One environment spans both clusters, another one burns its budget 50 times too fast.
PODS = {
    "east": [Pod("east", "spanning", 1999, 1), Pod("east", "failing", 19, 1)],
    "west": [Pod("west", "spanning", 999, 1)],
}
# So long that a replica misses scrapes, and each group of rules evaluations.
AWAY_SECONDS = 35
HISTORY_SECONDS = 6 * 3600
# The last hours, which a sidecar has not uploaded yet.
RECENT_SECONDS = 2 * 3600
SCALE = 1 / 10  # of Alertmanager's durations: `group_wait` of pages is a second


@dataclass
class Seen:
    """Answers that a reader got while replicas were away.

    Attributes:
        start: Unix time at which all rules had been recorded by both rulers.
        end: Unix time at which all replicas were back.
        errors: Errors that queries got.
        answers: Events per second by environment, of each query that got an answer.
        messages: What Alertmanager sent.
    """

    start: float = 0
    end: float = 0
    errors: list[str] = field(default_factory=list)
    answers: list[dict[str, float]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """An Alertmanager with the routes of clusters, and what it sends."""
    with running(tmp_path_factory.mktemp("alertmanager"), SCALE) as server:
        yield server


@pytest.fixture(scope="session")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, alertmanager: Alertmanager
) -> Iterator[Deployment]:
    """All programs, ready, with some hours of history."""
    by_path = {pod.path: pod for each in PODS.values() for pod in each}

    def page(path: str) -> bytes:
        return pods.exposition(by_path[path], time.time_ns() // 1_000_000)

    folder = tmp_path_factory.mktemp("thanos")
    with exposing(page, pods.OPENMETRICS) as port, deployed(folder) as made:
        now = int(time.time())
        uploaded, first = now - RECENT_SECONDS, now - HISTORY_SECONDS
        everywhere = [*PODS["east"], *PODS["west"]]
        # Thirty days that one Prometheus recorded before there were rulers.
        recorded = pods.recorded_past(everywhere, now - 30 * 86_400, uploaded, step=60)
        pods.blocks(recorded, folder / "recorded")
        made.upload(folder / "recorded", cluster="east", prometheus_replica="prometheus-east-0")
        for cluster, own in PODS.items():
            made.pair(cluster, [pods.job(own, port)])
            recent = pods.past(own, uploaded, now)
            if cluster == "east":
                recent += pods.recorded_past(everywhere, uploaded, now, step=pods.SCRAPE)
            for replica in ("0", "1"):
                data = folder / f"prometheus-{cluster}-{replica}/data"
                pods.blocks(recent, data, is_merged=True)
                pods.blocks(pods.past(own, first, uploaded), data)
        made.gateway()
        made.start(*made.programs)
        past = ["storegateway"]
        made.query("query-west", ["sidecar-west-0", "sidecar-west-1"], past)
        # The cluster east has the rulers, which ask the Query that reads what they record.
        made.rulers("east", "query", alertmanager.url)
        present = ["sidecar-east-0", "sidecar-east-1", "ruler-0", "ruler-1", "query-west"]
        made.query("query", present, past)
        made.start("query-west", "query", "ruler-0", "ruler-1")
        yield made


@pytest.fixture(scope="session")
def seen(deployment: Deployment, alertmanager: Alertmanager) -> Seen:
    """Take away each replica of a pair, and a ruler; return what was seen meanwhile."""
    found, done = Seen(), threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            answer = ask(deployment, "slo:events_total:rate5m{slo='availability'}")
            if answer["status"] == "success":
                found.answers.append(by_environment(answer))
            else:
                found.errors.append(answer["error"])

    budget = "slo:period_error_budget_remaining:ratio{slo='availability'}"
    # A minute passes between two evaluations of the budget.
    eventually(lambda: recorded(deployment, budget) == 4, seconds=180)
    own = 'slo:events_total:rate5m{slo="availability", thanos_ruler_replica!=""}'
    evaluated = f"count_over_time({own}[5m])"
    eventually(lambda: recorded(deployment, f"{evaluated} >= 4") == 4, seconds=180)
    found.start = time.time()
    looking = threading.Thread(target=look)
    looking.start()
    try:
        deployment.kill("prometheus-east-0", "sidecar-east-0")
        time.sleep(AWAY_SECONDS)
        deployment.start("prometheus-east-0", "sidecar-east-0")
        # The other one goes when this one has scraped, and Query knows it again.
        wait_until_back(deployment, "prometheus-east-0")
        # A Prometheus goes, and its sidecar stays.
        deployment.kill("prometheus-east-1", "ruler-0")
        time.sleep(AWAY_SECONDS)
        deployment.start("prometheus-east-1", "ruler-0")
        wait_until_back(deployment, "prometheus-east-1")
        eventually(lambda: alertmanager.inbox.of("page"), seconds=240)
        found.end = time.time()
    finally:
        done.set()
        looking.join()
    time.sleep(5)  # in which a second message would arrive
    found.messages = list(alertmanager.inbox.messages)
    return found


def wait_until_back(deployment: Deployment, replica: str) -> None:
    """Return when Query reads what a replica has scraped."""
    up = f'up{{cluster="east", prometheus_replica="{replica}"}}'
    wait_for("the replica is back", lambda: recorded(deployment, up) == 2)


def ask(
    deployment: Deployment, expr: str, name: str = "query", **parameters: str
) -> dict[str, Any]:
    """Ask a Query at this moment; return its whole answer."""
    with httpx.Client(base_url=deployment[name].url, timeout=60) as client:
        return dict(client.post("/api/v1/query", data={"query": expr, **parameters}).json())


def recorded(deployment: Deployment, expr: str) -> int:
    """Count series of all replicas; none where there is no answer."""
    answer = ask(deployment, expr, dedup="false")
    return len(answer["data"]["result"]) if answer["status"] == "success" else 0


def by_environment(answer: dict[str, Any]) -> dict[str, float]:
    """Return the one value of each environment."""
    result = answer["data"]["result"]
    values = {
        each["metric"]["deployment_environment_name"]: float(each["value"][1]) for each in result
    }
    assert len(values) == len(result), result
    return values

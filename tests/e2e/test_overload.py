"""A service driven beyond its bound: the page that it earns, and every dashboard with data.

Time is compressed: the generated rules are made anew with a scale factor, which changes no logic.
"""

import math
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from stack.addresses import Addresses
from stack.components import ENVIRONMENT, Site
from stack.stack import Stack
from stack.values import ROOT
from telemetry import names

from tests.e2e import promql
from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST_SERVICE
from tests.e2e.inbox import Inbox, listening

SCALE: Final = 1 / 60  # an hour is a minute
SCRAPE_SECONDS: Final = 0.5
CLIENTS: Final = 32
DASHBOARDS: Final = sorted((ROOT / "platform" / "generated").glob("*/dashboards/*.json"))
PANELS: Final = [panel for file in DASHBOARDS for panel in promql.panels(file)]

# Metrics of the service that no rule, dashboard or runbook reads, and why they are there all the
# same. Whatever is in neither is a metric that nobody needs.
_HISTORY = "the last import, for whoever asks why a replica's data is old"
_PROCESS = "prometheus_client's own, for a look at one process"
UNREAD: Final = {
    names.DRAINING: "for whoever watches a roll-out",
    names.HTTP_SERVER_WAITING_LIMIT: "the bound beside http_server_requests_waiting",
    names.WORKER_TIMEOUTS: "a worker killed shows as errors, this says why",
    names.PORTS_STORED: "how much a replica holds",
    names.PORTS_REVISION: "whether replicas hold the same",
    names.IMPORT_TIME: _HISTORY,
    names.IMPORT_DURATION: _HISTORY,
    names.IMPORT_PORTS: _HISTORY,
    names.IMPORTS: _HISTORY,
    "http_server_request_duration_exponential_seconds": "for heatmaps made by hand, never for SLOs",
    "process_max_fds": _PROCESS,
    "process_open_fds": _PROCESS,
    "process_start_time_seconds": _PROCESS,
    "process_virtual_memory_bytes": _PROCESS,
    "python_gc_collections_total": _PROCESS,
    "python_gc_objects_collected_total": _PROCESS,
    "python_gc_objects_uncollectable_total": _PROCESS,
    "python_info": _PROCESS,
}


@pytest.fixture(scope="module")
def inbox(addresses: Addresses) -> Iterator[Inbox]:
    with listening(addresses.port("webhook")) as kept:
        yield kept


@pytest.fixture(scope="module")
def addresses() -> Addresses:
    return Addresses()


@pytest.fixture(scope="module")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, addresses: Addresses, inbox: Inbox
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("overload")
    command = [str(Path(sys.executable).with_name("slo")), "generate"]
    subprocess.run([*command, "--scale", str(SCALE), "--output", str(folder / "rules")], check=True)
    site = Site(
        folder / "site",
        addresses,
        receivers={"page": f"{addresses.url('webhook')}/page"},
        rules=tuple(sorted((folder / "rules").rglob("rules.yaml"))),
        prometheus_overrides={"scrapeInterval": "500ms", "evaluationInterval": "500ms"},
        service_env={**FAST_SERVICE, "PORTS_THREADS": "1", "PORTS_MAX_WAITING": "12"},
    )
    with Stack(site) as stack:
        yield stack


class Load:
    """Clients that ask for the whole data set: slow enough for the next ones to wait."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._seen: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._drive) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[int]:
        """Let each client end its last request; return the statuses that all of them saw."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self._seen

    def _drive(self) -> None:
        mine: Counter[int] = Counter()
        with httpx.Client(base_url=self._base_url, timeout=60) as client:
            while not self._stop.is_set():
                answer = client.get("/ports", headers={"Accept": "application/x-ndjson"})
                mine[answer.status_code] += 1
                if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    self._stop.wait(1)  # a client that was told to go away for a while
        with self._lock:
            self._seen.update(mine)


@pytest.fixture(scope="module", autouse=True)
def load(pipeline: Stack, backends: Backends) -> Iterator[Load]:
    """More clients than the service has room for, until a test asks what they saw."""
    # The first sample of every series must be there before the first request.
    eventually(lambda: backends.series(f'{names.HTTP_SERVER_DURATION}_count{{job="ports"}}'))
    driving = Load(pipeline.site.addresses.url("ports"))
    yield driving
    driving.stop()


@pytest.fixture(scope="module")
def counts(load: Load) -> Counter[int]:
    """Statuses that the clients saw, once they have stopped."""
    seen = load.stop()
    assert set(seen) == {200, 503}
    return seen


def test_the_page_arrives_with_its_labels_and_links(inbox: Inbox) -> None:
    [message] = eventually(lambda: [m for m in inbox.of("page") if "availab" in str(m)])[:1]
    assert (
        message.body["commonLabels"].items()
        >= {
            "severity": "page",
            "slo": "availability",
            names.SERVICE_NAME: "ports",
            names.ENVIRONMENT: ENVIRONMENT,
        }.items()
    )
    for alert in message.alerts:
        assert alert["annotations"]["runbook_url"].endswith("/runbooks/availability.md")
        assert "/d/slo-ports-availability" in alert["annotations"]["dashboard_url"]


@pytest.mark.parametrize("panel", PANELS, ids=str)
def test_every_panel_has_data(panel: promql.Panel, backends: Backends) -> None:
    """Over the whole time of the test, as a dashboard looks back."""
    eventually(
        lambda: backends.series(f"last_over_time(({panel.query(SCRAPE_SECONDS)})[2m:1s])"), 20
    )


def test_every_metric_and_label_that_is_read_exists(backends: Backends) -> None:
    missing = {
        f"{selector} (in {reader})"
        for reader, query in promql.queries()
        for selector in promql.selectors(backends, query)
        if not backends.series(f"count(last_over_time({selector.presence()}[5m]))")
    }
    assert missing == set()


def test_every_metric_of_the_service_has_a_reader(backends: Backends) -> None:
    exposed = {
        promql.family(labels["__name__"])
        for labels, _ in backends.series('count by (__name__) ({job="ports",slo=""})')
    } - promql.OF_THE_SCRAPE
    read = {
        promql.family(selector.metric)
        for _, query in promql.queries()
        for selector in promql.selectors(backends, query)
    }
    assert exposed - read == set(UNREAD)


def test_no_metric_comes_by_scrape_and_by_otlp(backends: Backends) -> None:
    """A metric that came both ways would be counted twice by every sum over it."""
    twice = backends.series(
        'count by (__name__) (count by (__name__, instance) ({job="ports"})) > 1'
    )
    assert [labels["__name__"] for labels, _ in twice] == []


def test_prometheus_counted_what_the_clients_counted(
    counts: Counter[int], backends: Backends
) -> None:
    def equal() -> bool:
        by = names.HTTP_STATUS
        selector = f'job="ports",{names.HTTP_ROUTE}=~"/ports|{names.ROUTE_OVERLOAD}"'
        found = backends.series(
            f"sum by ({by}) ({names.HTTP_SERVER_DURATION}_count{{{selector}}}) > 0"
        )
        assert {int(labels[by]): int(count) for labels, count in found} == counts
        return True

    eventually(equal)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Good over 30 days", lambda ratio: 1 - ratio),
        ("Error budget left", lambda ratio: 1 - ratio / 0.001),
    ],
)
def test_sli_and_budget_panels_show_what_the_clients_counted(
    title: str, expected: Any, counts: Counter[int], backends: Backends
) -> None:
    [panel] = [p for p in PANELS if p.title == title and p.dashboard == "slo-ports-availability"]
    bad_ratio = counts[503] / counts.total()

    def close() -> bool:
        [(_, shown)] = backends.series(panel.query(SCRAPE_SECONDS))
        assert math.isclose(shown, expected(bad_ratio), rel_tol=0.05), (shown, expected(bad_ratio))
        return True

    eventually(close)

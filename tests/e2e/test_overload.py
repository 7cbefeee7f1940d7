"""A service driven beyond its bound: the page that it earns, and every dashboard with data.

Time is compressed: the rules are generated again with a scale factor, which changes no logic.
"""

import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from slo.alerts import NEVER_RECORDED
from slo.declaration import load_services
from stack import chaos, dashboards
from stack.addresses import Addresses
from stack.components import ENVIRONMENT, Site
from stack.stack import Stack
from stack.values import ROOT
from telemetry import names

from tests.e2e import promql, prose
from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST_SERVICE
from tests.e2e.inbox import Inbox, listening
from tests.support import owners

SCALE: Final = 1 / 60  # an hour is a minute
SCRAPE_SECONDS: Final = 0.5
CLIENTS: Final = 32
MEAN_SECONDS: Final = 30
# The stack has no prober: `make test-probes` looks at the panels of its counters.
PROBED: Final = {
    slo.uid for slos in load_services(ROOT).values() for slo in slos if slo.total.family.outside
}
PANELS: Final = [
    panel
    for file in dashboards.FILES
    for panel in promql.panels(file)
    if panel.dashboard not in PROBED
]

# Other tests ask for what the stack does not have. And the watchdog asks for what is never there.
NOT_HERE: Final = (*owners.elsewhere(), NEVER_RECORDED, "cloudprober_")


def the_panel(dashboard: str, title: str, number: int = 1) -> promql.Panel:
    """One query of a panel."""
    [panel] = [p for p in PANELS if (p.dashboard, p.title, p.number) == (dashboard, title, number)]
    return panel


# Metrics of the service that no rule, dashboard or runbook reads, and the reason for each. A metric
# in neither is a metric that nobody needs.
_PROCESS = "prometheus_client's own, for a look at one process"
UNREAD: Final = {
    names.DRAINING: "for whoever watches a roll-out",
    names.HTTP_SERVER_WAITING_LIMIT: "the bound beside http_server_requests_waiting",
    names.HTTP_SERVER_ABORTED: "clients that went away: for whoever asks why answers were cut off",
    names.WORKER_TIMEOUTS: "a worker killed shows as errors, this says why",
    names.LOG_LINES_DROPPED: "for whoever misses log lines",
    "process_max_fds": _PROCESS,
    "process_open_fds": _PROCESS,
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
    """Clients that ask for the whole data set, more of them than may wait."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._answers: list[tuple[float, int]] = []

    def hang_up(self) -> None:
        """Ask as one client that goes away in the middle of its answer: 200, and not all of it."""
        address = httpx.URL(self._base_url)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((address.host, address.port))
            connection.sendall(
                b"GET /ports HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n"
            )
            status = int(connection.recv(12).split()[1])
        self._answers.append((time.time(), status))

    def start(self) -> None:
        """Let all clients ask, one request after the other."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._drive) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[int]:
        """Let each client end its last request; return the statuses that all of them saw."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return Counter(status for _, status in self._answers)

    def rates(self, begin: float, end: float) -> dict[int, float]:
        """Answers a second that the clients had between two moments, by status."""
        seen = Counter(status for moment, status in list(self._answers) if begin < moment <= end)
        return {status: count / (end - begin) for status, count in seen.items()}

    def _drive(self) -> None:
        with httpx.Client(base_url=self._base_url, timeout=60) as client:
            while not self._stop.is_set():
                answer = client.get("/ports", headers={"Accept": "application/x-ndjson"})
                self._answers.append((time.time(), answer.status_code))
                if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    self._stop.wait(1)  # a client that was told to go away for a while


@pytest.fixture(scope="module", autouse=True)
def load(pipeline: Stack, backends: Backends) -> Iterator[Load]:
    """More clients than the service has room for, until a test asks what they saw."""
    # The first sample of every series must be there before the first request.
    eventually(lambda: backends.series(f'{names.HTTP_SERVER_DURATION}_count{{job="ports"}}'))
    driving = Load(pipeline.site.addresses.url("ports"))

    def aborted() -> bool:
        driving.hang_up()
        return bool(backends.series(names.HTTP_SERVER_ABORTED))

    eventually(aborted)  # a series that only this makes
    # Enough of them slow for those behind to wait beyond the latency SLO's bound, however fast the
    # machine is.
    chaos.inject(pipeline.site.fault, "latency", 0.2)
    driving.start()
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
    shown = f"last_over_time(({panel.query(SCRAPE_SECONDS)})[2m:1s])"
    found = eventually(lambda: backends.series(shown), 20)
    labels = {name for series_labels, _ in found for name in series_labels}
    assert panel.legend_labels <= labels


def test_every_metric_and_label_in_a_query_exists(backends: Backends) -> None:
    readers: dict[promql.Reading, set[str]] = defaultdict(set)
    for reader, query in promql.queries():
        for reading in promql.readings(backends, query):
            readers[reading].add(reader)
    missing = {
        f"{reading} (in {', '.join(sorted(pages))})"
        for reading, pages in readers.items()
        if not all(metric.startswith(NOT_HERE) for metric in reading.metrics)
        and not backends.series(f"count(last_over_time({reading.presence()}[5m]))")
    }
    assert missing == set()


def test_every_metric_that_the_documentation_names_exists(backends: Backends) -> None:
    answer = backends.http.get(f"{backends.at.url('prometheus')}/api/v1/label/__name__/values")
    live = set(answer.json()["data"])
    labels = set(backends.http.get(f"{backends.at.url('prometheus')}/api/v1/labels").json()["data"])
    found = list(prose.metrics(live, labels))
    # Ports calls no other service: `test_calls` has the service that does. Ports has no database
    # here: `make test-database` reads what a shared cache and a replica count.
    with_database = (names.CACHE_FAILURES, names.REPLICA_FALLBACKS, "django_cache_get_")
    absent = (names.HTTP_CLIENT_DURATION, *with_database, *owners.elsewhere())
    named = [
        each
        for each in found
        if not each[1].startswith(absent) and not promql.ON_FAILURE_ONLY.fullmatch(each[1])
    ]
    assert len({name for _, name in named}) > 20
    assert {f"{name} (in {page})" for page, name in named if not prose.exists(name, live)} == set()


def test_every_metric_of_the_service_has_a_reader(backends: Backends) -> None:
    exposed = {
        promql.family(labels["__name__"])
        for labels, _ in backends.series('count by (__name__) ({job="ports",slo=""})')
    } - promql.OF_THE_SCRAPE
    read = {
        promql.family(metric)
        for _, query in promql.queries()
        for metric in promql.metrics(backends, query)
    }
    assert exposed - read == set(UNREAD)


def test_no_metric_arrives_by_scrape_and_by_otlp(backends: Backends) -> None:
    """A metric that came both ways would be counted twice by every sum over it."""
    twice = backends.series(
        'count by (__name__) (count by (__name__, instance) ({job="ports"})) > 1'
    )
    assert [labels["__name__"] for labels, _ in twice] == []


# Of each rate panel: its dashboard, title, number of its query, label and value of the series that
# is looked at, and which of the clients' statuses it shows.
RATE_PANELS: Final[tuple[tuple[str, str, int, dict[str, str], set[int]], ...]] = (
    ("red-ports", "Rate", 1, {names.HTTP_ROUTE: "/ports"}, {200}),
    ("red-ports", "Rate", 1, {names.HTTP_ROUTE: names.ROUTE_OVERLOAD}, {503}),
    ("red-ports", "Statuses", 1, {names.HTTP_STATUS: "200"}, {200}),
    ("red-ports", "Statuses", 1, {names.HTTP_STATUS: "503"}, {503}),
    ("red-ports", "Requests in the service", 3, {}, {503}),
    ("slo-ports-availability", "Events per second", 1, {}, {200, 503}),
    ("slo-ports-availability", "Good and bad events", 1, {}, {200}),
    ("slo-ports-availability", "Good and bad events", 2, {}, {503}),
    ("slo-ports-latency", "Events per second", 1, {}, {200}),
    ("slo-overview", "Service level objectives", 7, {"slo": "availability"}, {200, 503}),
    ("slo-overview", "Events per second", 1, {"slo": "latency"}, {200}),
)


@pytest.mark.parametrize(
    ("dashboard", "title", "number", "labels", "statuses"),
    RATE_PANELS,
    ids=[f"{board}: {title} {sorted(seen)}" for board, title, _, _, seen in RATE_PANELS],
)
def test_rate_panels_show_what_the_clients_counted(
    dashboard: str,
    title: str,
    number: int,
    labels: dict[str, str],
    statuses: set[int],
    load: Load,
    backends: Backends,
) -> None:
    """As the mean over some time: each point looks back a few seconds, and so does the mean."""
    panel = the_panel(dashboard, title, number)

    def close() -> bool:
        now = time.time() - 2  # scraped and evaluated by now
        shown = [
            value
            for found, value in backends.series(
                f"avg_over_time(({panel.query(SCRAPE_SECONDS)})[{MEAN_SECONDS}s:500ms] @ {now:.3f})"
            )
            if labels.items() <= found.items()
        ]
        seen = load.rates(now - MEAN_SECONDS, now)
        expected = sum(seen[status] for status in statuses)
        assert shown == [pytest.approx(expected, rel=0.05)]
        return True

    eventually(close)


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


BUDGET: Final = 0.001  # of the availability


@pytest.mark.parametrize(
    ("dashboard", "title", "number", "labels", "expected"),
    [
        ("slo-ports-availability", "Good over 30 days", 1, {}, lambda bad: 1 - bad),
        ("slo-ports-availability", "Error budget left", 1, {}, lambda bad: 1 - bad / BUDGET),
        ("slo-ports-availability", "Budget burn-down", 1, {}, lambda bad: 1 - bad / BUDGET),
        (
            "slo-ports-availability",
            "Budget spent in the time shown, by route and status",
            1,
            {names.HTTP_ROUTE: names.ROUTE_OVERLOAD, names.HTTP_STATUS: "503"},
            lambda bad: bad / BUDGET,
        ),
        (
            "slo-overview",
            "Service level objectives",
            2,
            {"slo": "availability"},
            lambda bad: 1 - bad,
        ),
        (
            "slo-overview",
            "Service level objectives",
            3,
            {"slo": "availability"},
            lambda bad: 1 - bad / BUDGET,
        ),
    ],
)
def test_sli_and_budget_panels_show_what_the_clients_counted(
    dashboard: str,
    title: str,
    number: int,
    labels: dict[str, str],
    expected: Callable[[float], float],
    counts: Counter[int],
    backends: Backends,
) -> None:
    panel = the_panel(dashboard, title, number)
    bad_ratio = counts[503] / counts.total()

    def close() -> bool:
        shown = [
            value
            for found, value in backends.series(panel.query(SCRAPE_SECONDS))
            if labels.items() <= found.items()
        ]
        assert shown == [pytest.approx(expected(bad_ratio), rel=0.05)]
        return True

    eventually(close)

"""The stack in compressed time, steady traffic, and a timeline for each scenario."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack.addresses import Addresses
from stack.components import Site
from stack.postgresql import Server
from stack.stack import Stack
from stack.values import ROOT
from telemetry import names

from tests import postgres
from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST_SERVICE
from tests.e2e.inbox import Inbox, listening
from tests.gameday import timeline
from tests.gameday.alerts import Watch
from tests.gameday.clock import LONG_WINDOW_SECONDS, SCALE, SCRAPE_INTERVAL
from tests.gameday.faults import Faults
from tests.gameday.runbook import Desk
from tests.gameday.timeline import Timeline
from tests.gameday.traffic import Traffic

RECEIVERS = ("page", "ticket", "watchdog")
OVERLAY = ROOT / "tests" / "gameday" / "values-small-memory.yaml"
_timelines: list[Timeline] = []


@dataclass(frozen=True)
class Day:
    """All that a scenario works with."""

    stack: Stack
    traffic: Traffic
    inbox: Inbox
    backends: Backends
    faults: Faults
    desk: Desk


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A PostgreSQL server that may be stopped, and the URL of the ports in it."""
    with postgres.cluster() as server:
        data_set = postgres.ports(server.url)
        yield server, postgres.new_database(server.url, "gameday", data_set)


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory, database: tuple[Server, str]) -> Iterator[Day]:
    """The whole stack over PostgreSQL, and traffic since its start."""
    folder = tmp_path_factory.mktemp("gameday")
    slo = [str(Path(sys.executable).with_name("slo")), "generate"]
    subprocess.run([*slo, f"--scale={SCALE}", "--output", str(folder / "rules")], check=True)
    server, url = database
    addresses = Addresses()
    webhook = addresses.url("webhook")
    site = Site(
        folder / "site",
        addresses,
        receivers={name: f"{webhook}/{name}" for name in RECEIVERS},
        rules=tuple(sorted((folder / "rules").rglob("rules.yaml"))),
        prometheus_overrides={
            "scrapeInterval": SCRAPE_INTERVAL,
            "evaluationInterval": "1s",
            # Alertmanager keeps an alert without news for four of these.
            "rules": {"alert": {"resendDelay": "2s"}},
        },
        service_env={
            **FAST_SERVICE,
            "PORTS_STORE_URL": url,
            # A read five seconds old would be two and a half minutes old here: none is cached.
            "PORTS_CACHE_SECONDS": "0",
            # Slow requests must not make others wait for a thread: that is another fault.
            "PORTS_THREADS": "32",
        },
        collector_overlays=(str(OVERLAY),),
        scale=SCALE,
    )
    with listening(addresses.port("webhook")) as inbox, Stack(site) as stack:
        backends = Backends(addresses)
        # The first sample of every series must be there before the first request.
        counted = f'{names.HTTP_SERVER_DURATION}_count{{job="ports"}}'
        eventually(lambda: backends.series(counted))
        traffic = Traffic(addresses.url("ports"))
        faults = Faults(stack, server)
        yield Day(stack, traffic, inbox, backends, faults, Desk(backends, addresses, SCALE))
        traffic.stop()
        backends.http.close()


@pytest.fixture
def moments(request: pytest.FixtureRequest, day: Day) -> Iterator[Timeline]:
    """The timeline of this scenario; at its end all is mended, and no rule has an error."""
    kept = Timeline(timeline.title(request.node.name))
    _timelines.append(kept)
    yield kept
    day.faults.mend()
    answer = day.backends.http.get(f"{day.stack.site.addresses.url('prometheus')}/api/v1/rules")
    rules = [rule for group in answer.json()["data"]["groups"] for rule in group["rules"]]
    assert [
        f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] == "err"
    ] == []


@pytest.fixture
def watch(day: Day, moments: Timeline) -> Watch:
    """Follows alerts, and marks them in the timeline."""
    return Watch(day.backends, day.inbox, moments)


@pytest.fixture
def steady(day: Day) -> None:
    """Wait until the traffic has filled the fastest page's long window, as `explain` assumes."""
    day.traffic.wait_steady(LONG_WINDOW_SECONDS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the page."""
    parser.addoption("--report", type=Path, help="write the timelines to this page")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the timelines, and write them where that is asked for."""
    terminalreporter.section("timelines")
    for kept in _timelines:
        terminalreporter.write_line(f"\n{kept.title}")
        for line in kept.lines():
            terminalreporter.write_line(line)
    report: Path | None = config.getoption("--report")
    if report is not None and not terminalreporter.stats.get("failed"):
        report.write_text(timeline.page(_timelines))

"""The stack under test, and one line per scenario at the end."""

from collections.abc import Iterator

import pytest
from stack.components import Site
from stack.stack import Stack

from tests import scenarios
from tests.e2e.backends import Backends
from tests.e2e.sender import Probe

# So that a test need not wait: only intervals are shorter than in production.
FAST = {"scrapeInterval": "1s", "evaluationInterval": "1s"}
FAST_SERVICE = {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "200"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The pipeline without a service."""
    site = Site(tmp_path_factory.mktemp("pipeline"), prometheus_overrides=FAST)
    with Stack(site, with_service=False) as stack:
        yield stack


@pytest.fixture(scope="module")
def backends(pipeline: Stack) -> Iterator[Backends]:
    asked = Backends(pipeline.site.addresses)
    yield asked
    asked.http.close()


@pytest.fixture(scope="module")
def probe(pipeline: Stack) -> Iterator[Probe]:
    sender = Probe(pipeline.site.addresses.url("agent-otlp-http"))
    yield sender
    sender.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line per scenario."""
    scenarios.report(terminalreporter)

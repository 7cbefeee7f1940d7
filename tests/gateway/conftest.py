"""Print one line per scenario, what each measured, and what is a stand-in."""

import pytest

from tests import scenarios
from tests.gateway import measured

STAND_INS = (
    "the backend: a gRPC server that counts spans stands for Jaeger",
    "the kubelet: the test restarts a gateway, and runs the container `last-alive` by /bin/sh",
    "the Services: each agent has the addresses of the gateways themselves",
    "for the autoscaler: kwok's nodes and pods, a text of metrics, an anonymous API server",
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them at the end."""
    scenarios.report(terminalreporter, *STAND_INS)
    terminalreporter.section("measured")
    for line in measured.LINES:
        terminalreporter.write_line(line)

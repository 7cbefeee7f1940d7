"""A line and a time per scenario, for the suites that prove something end to end."""

import signal
from collections.abc import Iterable
from pathlib import Path

import pytest


def stop_on_sigterm() -> None:
    """Let the end of the tests end the cluster as well."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def allow(seconds: float, items: Iterable[pytest.Item], folder: Path) -> None:
    """Set the timeout of a folder's tests: the first one waits for the cluster."""
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.timeout(seconds))


def report(terminalreporter: pytest.TerminalReporter, *stand_ins: str) -> None:
    """Print the stand-ins, and each scenario: how it went, how long it took, and its sentence.

    The wait before a scenario counts too: the first scenario starts the cluster.
    """
    if stand_ins:
        terminalreporter.section("stand-ins")
    for each in stand_ins:
        terminalreporter.write_line(each)
    terminalreporter.section("scenarios")
    waited = {each.nodeid: 0.0 for each in terminalreporter.stats.get("", [])}
    for each in terminalreporter.stats.get("", []):
        waited[each.nodeid] += each.duration if each.when == "setup" else 0.0
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            file, *_, name = report.nodeid.split("::")
            sentence = name.removeprefix("test_").replace("_", " ")
            terminalreporter.write_line(
                f"{outcome:<7} {waited.get(report.nodeid, 0.0) + report.duration:6.1f} s  "
                f"{Path(file).stem[5:]}: {sentence}"
            )

"""A line and a time per scenario, for the suites that prove something end to end."""

from pathlib import Path

import pytest


def report(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each scenario: how it went, how long it took, and the sentence that it is called.

    The wait before a scenario counts too: the first scenario starts the cluster.
    """
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

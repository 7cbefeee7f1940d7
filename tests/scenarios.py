"""A line and a time per scenario, for the suites that prove something end to end."""

from pathlib import Path

import pytest


def report(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each scenario: how it went, how long it took, and the sentence that it is called."""
    terminalreporter.section("scenarios")
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            file, *_, name = report.nodeid.split("::")
            sentence = name.removeprefix("test_").replace("_", " ")
            terminalreporter.write_line(
                f"{outcome:<7} {report.duration:6.1f} s  {Path(file).stem[5:]}: {sentence}"
            )

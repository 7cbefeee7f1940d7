import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from tests import postgres

# How long an example takes is the machine's business: benchmarks measure, tests do not.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

_skipped: list[str] = []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, on which tests make databases of their own."""
    given = os.environ.get(postgres.GIVEN)
    programs = postgres.programs()
    if given:
        yield given
    elif programs is not None:
        with postgres.cluster(programs) as server:
            yield server.url
    else:
        _missing(postgres.HOW_TO_GET)


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs, for a server that the test itself stops and starts."""
    programs = postgres.programs()
    if programs is None:
        _missing(postgres.HOW_TO_INSTALL)
    return programs


def _missing(remedy: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"PostgreSQL may not be missing here: {remedy}")
    _skipped.append(remedy)
    pytest.skip(f"no PostgreSQL: {remedy}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped:
        terminalreporter.section("NOT TESTED: the PostgreSQL store", red=True, bold=True)
        for remedy in dict.fromkeys(_skipped):
            terminalreporter.line(f"Tests of PostgreSQL were skipped. To run them, {remedy}.")

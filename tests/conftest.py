import os
from collections.abc import Iterator

import pytest

from tests import postgres

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
    elif os.environ.get("CI"):
        pytest.fail(f"PostgreSQL may not be missing here: {postgres.HOW_TO_GET}")
    else:
        _skipped.append("PostgreSQL")
        pytest.skip(f"no PostgreSQL: {postgres.HOW_TO_GET}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped:
        terminalreporter.section("NOT TESTED: the PostgreSQL store", red=True, bold=True)
        terminalreporter.line(f"No test ran on PostgreSQL. To run them, {postgres.HOW_TO_GET}.")

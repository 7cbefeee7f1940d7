"""Months and quarters on a real Prometheus that holds a winter of history, beside raw events."""

from collections.abc import Iterator

import pytest
from slo.calendar import Calendar
from slo.model import Slo

from tests.platform.slo import months
from tests.platform.slo.real import Prometheus, prometheus

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def truths() -> dict[str, months.Truth]:
    """Events of the winter; filled when its history is made."""
    return {}


@pytest.fixture(scope="module")
def calendars(slos: list[Slo], tmp_path_factory: pytest.TempPathFactory) -> dict[Calendar, Slo]:
    """An SLO for each unit of the calendar: one on probes, and one on requests."""
    return months.held(slos[0], tmp_path_factory.mktemp("probes"))


@pytest.fixture(scope="module")
def winter(
    tmp_path_factory: pytest.TempPathFactory,
    calendars: dict[Calendar, Slo],
    truths: dict[str, months.Truth],
) -> Iterator[Prometheus]:
    """A Prometheus that holds the winter, the rates of its SLOs recorded."""
    folder = tmp_path_factory.mktemp("winter")
    truths |= months.make(folder)
    months.backfill(folder, list(calendars.values()))
    with prometheus(folder) as running:
        yield running


@pytest.mark.parametrize(
    ("calendar", "environment", "allowed"),
    [
        (Calendar.MONTH, "month", 1e-6),
        (Calendar.QUARTER, "quarter", 1e-6),
        (Calendar.MONTH, "bursts", 0.02),
        (Calendar.QUARTER, "bursts", 0.02),
    ],
)
def test_a_period_holds_the_events_of_its_month_or_quarter_alone(
    winter: Prometheus,
    calendars: dict[Calendar, Slo],
    truths: dict[str, months.Truth],
    calendar: Calendar,
    environment: str,
    allowed: float,
) -> None:
    slo = calendars[calendar]
    expr = months.ratio_rule(slo).expr
    off = months.furthest(winter, slo, expr, truths[environment], environment)
    print(f"\n{calendar}, {environment}: {off:.1e} off at most")
    assert off <= allowed


@pytest.mark.parametrize("calendar", Calendar)
def test_no_slot_returns_within_the_time_that_rules_look_back(
    winter: Prometheus, calendar: Calendar
) -> None:
    assert list(months.returning(winter, calendar)) == []

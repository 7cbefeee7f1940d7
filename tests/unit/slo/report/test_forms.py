"""The report's two forms, Markdown and a page, of results that a Prometheus could have given."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from slo.calendar import Calendar
from slo.declaration import load_service
from slo.model import Slo
from slo.report.chart import chart
from slo.report.collect import Incident, Point, Result
from slo.report.markdown import markdown
from slo.report.page import page
from slo.report.words import span
from stack.values import ROOT

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=30)
BURST = BEGIN + timedelta(days=3, hours=4)
INCIDENTS = (
    Incident("Burn1h", "page", BURST, BURST + timedelta(minutes=45)),
    Incident("Burn3d", "ticket", END - timedelta(hours=2), None),
)


def left(*values: float, since: datetime = BEGIN) -> tuple[Point, ...]:
    """Shares of the budget, spread evenly until the window's end."""
    step = (END - since) / (len(values) - 1)
    return tuple((since + index * step, value) for index, value in enumerate(values))


@pytest.fixture(scope="module")
def slo() -> Slo:
    """Availability of the ports service, 99.9 % over 30 days."""
    return next(iter(load_service(ROOT / "services/ports/slo.yaml")))


@pytest.fixture(scope="module")
def kept(slo: Slo) -> Result:
    worst = (BURST + timedelta(hours=1), 35.2)
    return Result(slo, "prod", BEGIN, END, 0.0004, worst, left(1, 0.8, 0.6), INCIDENTS)


@pytest.fixture(scope="module")
def broken(slo: Slo) -> Result:
    """More than half of the window passes without data, and the budget is overspent."""
    late = BEGIN + timedelta(days=20)
    return Result(slo, "a|b", BEGIN, END, 0.0025, (late, 2.5), left(1, -1.5, since=late), ())


@pytest.fixture(scope="module")
def idle(slo: Slo) -> Result:
    return Result(slo, "idle", BEGIN, END, None, None, (), ())


def test_markdown_has_a_row_for_each_result_and_a_line_for_each_incident(
    kept: Result, broken: Result, idle: Result
) -> None:
    told = markdown([kept, broken, idle], END)
    window = "1 January 2026 to 31 January 2026"
    for line in (
        "# Service level report, 31 January 2026",
        (
            f"| ports | prod | Availability | {window} | 99.9 % | 99.960% | 40% "
            "| 35.2 times, 4 January 05:00 UTC | 1 page, 1 ticket | kept |"
        ),
        (
            f"| ports | a\\|b | Availability | {window} | 99.9 % | 99.750% | 250% "
            "| 2.5 times, 21 January 00:00 UTC | none | broken |"
        ),
        (
            f"| ports | idle | Availability | {window} | 99.9 % | no event | no event "
            "| no event | none | no data |"
        ),
        "- 4 January 04:00 UTC: Burn1h (page), 45 min",
        "- 30 January 22:00 UTC: Burn3d (ticket), 2 h, still firing at the end",
        "The data begins on 21 January 00:00 UTC: the window is not full.",
    ):
        assert f"\n{line}\n" in f"\n{told}", told
    assert told.count("\n## ") == 2, "an idle environment has nothing to tell"


def test_the_page_counts_verdicts_and_escapes_what_it_shows(
    kept: Result, broken: Result, idle: Result
) -> None:
    told = page([replace(kept, environment="<prod>"), broken, idle], END)
    assert "<p>3 promises: 1 kept, 1 broken, 1 no data.</p>" in told
    assert "<prod>" not in told
    assert "<h2>ports: Availability, &lt;prod&gt;</h2>" in told
    assert "The data begins on 21 January 00:00 UTC" in told
    assert "No data to draw." in told
    assert told.count("<p>No incident.</p>") == 2
    assert "<td>Burn3d</td><td>ticket</td><td>2 h, still firing at the end</td>" in told
    assert not re.search(r"(src|href)=", told), "the page needs nothing else"


def drawn(result: Result) -> ET.Element:
    return ET.fromstring(chart(result))  # noqa: S314 - our own


def test_a_chart_shows_the_budget_left_and_each_incident_at_its_place(kept: Result) -> None:
    picture = drawn(kept)
    rectangles = picture.findall("rect")
    assert [each.findtext("title") for each in rectangles] == [
        "Burn1h: 4 January 04:00 UTC, 45 min",
        "Burn3d: 30 January 22:00 UTC, 2 h, still firing at the end",
    ]
    # The window is 892 wide from 56 on, the budget 200 high from 12 on.
    assert float(rectangles[0].get("x", "")) == round(56 + 892 * 76 / 720, 1)
    (line,) = picture.findall("path")
    assert line.get("d") == "M56.0 12.0 L502.0 52.0 L948.0 92.0"


def test_a_chart_ends_at_a_budget_overspent_once_and_breaks_where_data_is_missing(
    broken: Result,
) -> None:
    hour = timedelta(hours=1)
    points = [*((BEGIN + n * hour, 0.5) for n in range(3)), (END, -1.5)]
    picture = drawn(replace(broken, left=tuple(points)))
    (line,) = picture.findall("path")
    path = line.get("d") or ""
    assert [part[0] for part in path.split() if part[0].isalpha()] == ["M", "L", "L", "M"]
    assert path.endswith(" 212.0"), "below the lowest mark nothing is drawn"
    assert "-100%" in {each.text for each in picture.findall("text")}


@pytest.mark.parametrize(
    ("calendar", "name"), [(Calendar.MONTH, "January 2026"), (Calendar.QUARTER, "Q1 2026")]
)
def test_a_window_of_the_calendar_is_called_by_its_name(
    kept: Result, calendar: Calendar, name: str
) -> None:
    assert span(replace(kept, slo=replace(kept.slo, calendar=calendar))) == name

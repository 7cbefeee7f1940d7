"""`slo report` on a real Prometheus that holds forty days of recorded series."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from slo import series
from slo.calendar import Calendar
from slo.cli import main
from slo.model import Slo
from slo.prometheus import connected
from slo.report.collect import Incident, Result, collect
from slo.report.words import row
from slo.windows import BASE_WINDOW, CURRENT_WINDOW

from tests.platform.slo import months
from tests.platform.slo.history import Counter, load
from tests.platform.slo.real import ROOT, Prometheus, prometheus

END = datetime(2026, 2, 1, 12, tzinfo=UTC)
BEGIN = END - timedelta(days=40)
STEP = timedelta(minutes=5)
OUTAGE = datetime(2026, 1, 12, 14, 0, tzinfo=UTC)
TICKET = datetime(2026, 1, 13, 3, tzinfo=UTC)
FAST = "PortsAvailabilityBurn1h"
SLOW = "PortsAvailabilityBurn3d"

Value = Callable[[datetime], float | None]


def lines(name: str, environment: str, slo: str, value: Value, **labels: str) -> list[str]:
    """Write one series, a sample every five minutes."""
    counter = Counter(name, environment, slo=slo, **labels)
    moment = BEGIN
    while moment < END:
        if (sample := value(moment)) is not None:
            counter.lines.append(f"{counter.name} {sample} {moment.timestamp():.0f}\n")
        moment += STEP
    return counter.lines


def firing(alert: str, severity: str, begin: datetime, end: datetime) -> list[str]:
    """Write that an alert fired in prod, a sample every 15 seconds, from `begin` until `end`."""
    labels = {"alertname": alert, "alertstate": "firing", "severity": severity}
    counter = Counter("ALERTS", "prod", slo="availability", **labels)
    for index in range(int((end - begin).total_seconds()) // 15):
        counter.add(1, begin.timestamp() + 15 * index + 5, restarted=True)
    return counter.lines


def recorded(slo: Slo, environment: str, ratio: float, since: datetime = BEGIN) -> Iterator[str]:
    """Write what is recorded of an SLO whose bad events are this ratio of all, at any moment."""

    def steady(value: float) -> Value:
        return lambda moment: value if moment >= since else None

    def hourly(moment: datetime) -> float | None:
        burst = OUTAGE < moment <= OUTAGE + timedelta(hours=1)
        return None if moment < since else (0.0352 if burst else ratio)

    for name, value in (
        (series.total(BASE_WINDOW), steady(5)),
        (series.error_ratio(CURRENT_WINDOW), hourly),
        (series.period_ratio(slo), steady(ratio)),
        (series.REMAINING, steady(1 - ratio / float(slo.budget))),
    ):
        yield from lines(name, environment, slo.name, value)


@pytest.fixture(scope="module")
def held(slos: list[Slo]) -> dict[str, Slo]:
    """SLOs of ports by name, and the first held for a month."""
    return {slo.name: slo for slo in (*slos, months.of(slos[0], Calendar.MONTH))}


@pytest.fixture(scope="module")
def reported(
    tmp_path_factory: pytest.TempPathFactory, held: dict[str, Slo]
) -> Iterator[Prometheus]:
    """A Prometheus with what was recorded until END in prod, staging and an idle environment."""
    folder = tmp_path_factory.mktemp("report")
    text = folder / "text"
    with text.open("w") as out:
        for slo, ratio in (("availability", 0.0004), ("latency", 0.002), ("monthly", 0.0005)):
            out.writelines(recorded(held[slo], "prod", ratio))
        late = datetime(2026, 1, 20, 8, tzinfo=UTC)
        out.writelines(recorded(held["availability"], "staging", 0.0025, late))
        out.writelines(lines(series.total(BASE_WINDOW), "idle", "availability", lambda _: 0))
        minutes = timedelta(minutes=1)
        out.writelines(firing(FAST, "page", OUTAGE + 10 * minutes, OUTAGE + 30 * minutes))
        # Prometheus restarts, and the alert goes on.
        out.writelines(firing(FAST, "page", OUTAGE + 33 * minutes, OUTAGE + 55 * minutes))
        out.writelines(firing(SLOW, "ticket", TICKET, TICKET + 120 * minutes))
        out.writelines(firing(SLOW, "ticket", END - 90 * minutes, END))
        out.write("# EOF\n")
    load(folder, text)
    with prometheus(folder) as server:
        yield server


def report(server: Prometheus, *arguments: str) -> int:
    command = ["report", "--prometheus", server.url, "--at", END.isoformat(), *arguments]
    return main(["--root", str(ROOT), *command])


def test_markdown_shows_the_objective_and_the_result(
    reported: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(reported) == 0
    told = capsys.readouterr().out
    span, burst = "2 January 2026 to 1 February 2026", "12 January 16:00 UTC"
    rows = [
        f"idle | Availability | {span} | 99.9 % | no event | no event | no event | none | no data",
        (
            f"prod | Availability | {span} | 99.9 % | 99.960% | 40% | 35.2 times, {burst} "
            "| 1 page, 2 tickets | kept"
        ),
        (
            f"staging | Availability | {span} | 99.9 % | 99.750% | 250% "
            "| 2.5 times, 20 January 08:00 UTC | none | broken"
        ),
        f"prod | Latency | {span} | 99 % | 99.800% | 20% | 3.5 times, {burst} | none | kept",
    ]
    for line in (
        *(f"| ports | {cells} |" for cells in rows),
        f"- 12 January 14:10 UTC: {FAST} (page), 45 min",
        f"- 13 January 03:00 UTC: {SLOW} (ticket), 2 h",
        f"- 1 February 10:30 UTC: {SLOW} (ticket), 1 h 30 min, still firing at the end",
        "The data begins on 20 January 08:00 UTC: the window is not full.",
    ):
        assert f"\n{line}\n" in told, told


def test_one_environment_is_reported_alone(
    reported: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(reported, "--environment", "staging") == 0
    told = capsys.readouterr().out
    assert "| staging |" in told
    assert "| prod |" not in told


def test_an_environment_without_data_is_no_report(
    reported: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(reported, "--environment", "unheard-of") == 1
    assert "has no SLO's data in unheard-of" in capsys.readouterr().err


def test_the_page_has_a_chart_of_each_budget_with_its_incidents(
    reported: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(reported, "--format", "html") == 0
    told = capsys.readouterr().out
    assert "<p>4 promises: 2 kept, 1 broken, 1 no data.</p>" in told
    assert '<td class="broken">broken</td>' in told
    assert not re.search(r"(src|href)=", told), "the page needs nothing else"
    charts = [
        ET.fromstring(svg)  # noqa: S314  # our own
        for svg in re.findall(r"<svg.*?</svg>", told, re.DOTALL)
    ]
    assert len(charts) == 3
    (prod,) = (each for each in charts if len(each.findall("rect")) == 3)
    page, earlier, ticket = prod.findall("rect")
    assert [each.findtext("title") for each in (page, earlier, ticket)] == [
        f"{FAST}: 12 January 14:10 UTC, 45 min",
        f"{SLOW}: 13 January 03:00 UTC, 2 h",
        f"{SLOW}: 1 February 10:30 UTC, 1 h 30 min, still firing at the end",
    ]
    (line,) = prod.findall("path")
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", line.get("d") or "")
    assert len(points) >= 358
    # 60 % of the budget are left, of a picture in which 100 % are at 12 and none at 212.
    assert {y for _, y in points} == {"92.0"}


def test_a_calendar_window_is_reported_for_the_last_full_month(
    reported: Prometheus, held: dict[str, Slo]
) -> None:
    with connected(reported.url) as server:
        (found,) = collect(server, [held["monthly"]], END, None)
    assert (found.begin, found.end) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert row(found)[3:7] == ("January 2026", "99.9 %", "99.950%", "50%")
    assert found.data_since is None


def test_incidents_are_of_the_window_alone(reported: Prometheus, held: dict[str, Slo]) -> None:
    def of(at: datetime) -> Result:
        with connected(reported.url) as server:
            return next(iter(collect(server, [held["availability"]], at, "prod")))

    minute = timedelta(minutes=1)
    page = Incident(FAST, "page", OUTAGE + 10 * minute, OUTAGE + 55 * minute)
    assert of(OUTAGE).incidents == ()
    assert of(OUTAGE + 60 * minute).incidents == (page,)
    still = Incident(FAST, "page", page.begin, None)
    assert of(OUTAGE + 40 * minute).incidents == (still,)

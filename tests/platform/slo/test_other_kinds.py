"""Kinds of SLO that no service declares yet compile to rules that their tests hold for."""

import itertools
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from slo import probes
from slo.adoption import load_adoption
from slo.calendar import Calendar
from slo.contract import Family
from slo.generate import service_files
from slo.matchers import Matcher, OneOf, Prefix
from slo.model import Selector, Slo, Source

from tests.platform.slo.real import ROOT, run, tool

A: Matcher = OneOf(("/a",))
B: Matcher = OneOf(("/b",))
CODES = ("200", "201", "400", "429", "500", "503")
VALUES = {"route": ("/a", "/b"), "code": CODES, "result": ("done", "undone", "unknown", "failed")}
EVERY = tuple(
    dict(zip(VALUES, values, strict=True)) for values in itertools.product(*VALUES.values())
)
JOBS = Family("jobs_total", histogram=False, values=VALUES, initial=EVERY)
Selectors = tuple[Selector, ...]


def _holds(
    folder: Path,
    total: Selectors,
    *,
    good: Selectors = (),
    bad: Selectors = (),
    family: Family = JOBS,
    calendar: Calendar | None = None,
    counters: tuple[str | None, str | None] = (None, None),
    tests: str = "",
) -> None:
    """Compile an SLO on a counter, and let promtool judge its rules by its tests of such names."""

    def source(selectors: Selectors) -> Source | None:
        return Source(family, selectors, counter=counters[1]) if selectors else None

    slo = Slo(
        service="jobs",
        name="success",
        title="Success",
        description="Jobs are done.",
        objective=Decimal("0.95"),
        period=calendar.longest if calendar else timedelta(days=7),
        calendar=calendar,
        total=Source(family, total, counter=counters[0]),
        good=source(good),
        bad=source(bad),
        runbook="runbooks/success.md",
        minimum_bad_events=3,
    )
    for name, text in service_files("jobs", [slo], load_adoption(ROOT)).items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert "SUCCESS" in run(tool("promtool"), "check", "rules", str(folder / "rules.yaml"))
    judge = (tool("promtool"), "test", "rules", f"--run={tests}", "rules.test.yaml")
    assert "SUCCESS" in run(*judge, cwd=folder)


@pytest.mark.timeout(600)
def test_a_counter_without_initial_series_is_not_missing_before_its_first_event(
    tmp_path: Path,
) -> None:
    kinds = Family("jobs_total", histogram=False, values={"kind": None, "result": None})
    _holds(tmp_path, ({"kind": A},), bad=({"kind": A, "result": OneOf(("failed",))},), family=kinds)


@pytest.mark.parametrize(
    "missed",
    [
        {"code": OneOf(("5xx",))},
        {"code": OneOf(("500", "50[23]"))},
        {"code": Prefix("5x")},
        {"status": Prefix("5")},
        {"route": OneOf(("/A",))},
    ],
    ids=str,
)
def test_the_tests_of_alerts_fail_for_a_selector_that_misses(
    tmp_path: Path, missed: Selector
) -> None:
    """The compiler refuses such selectors; without it their alerts would never fire."""
    just_above = "SuccessBurn1h: just above its threshold"
    _holds(tmp_path, ({"route": A},), bad=({"route": A, "code": Prefix("5")},), tests=just_above)
    with pytest.raises(AssertionError, match=just_above):
        _holds(tmp_path, ({"route": A},), bad=({"route": A} | dict(missed),), tests=just_above)


@pytest.mark.parametrize("calendar", Calendar)
def test_a_calendar_window_begins_anew(tmp_path: Path, calendar: Calendar) -> None:
    failed: Selectors = ({"result": OneOf(("failed",))},)
    names = "begins with its whole budget|grows with its events|is exhausted now"
    _holds(
        tmp_path,
        ({"route": A},),
        bad=({"route": A} | dict(failed[0]),),
        calendar=calendar,
        tests=names,
    )


@pytest.mark.timeout(600)
def test_probes_from_outside(tmp_path: Path) -> None:
    every = probes.family(("/a", "/b"))
    picked: Selectors = ({"probe": A},)
    names = "Burn1h: just|counters that start again|vanished|does not answer|without (the SLI|a pr)"
    _holds(tmp_path, picked, good=picked, family=every, counters=probes.COUNTERS, tests=names)


@pytest.mark.timeout(600)
def test_good_events_of_a_counter_over_seven_days(tmp_path: Path) -> None:
    total = {"result": Prefix("un", negated=True)}
    _holds(tmp_path, (total,), good=({"result": OneOf(("done",))},))


@pytest.mark.timeout(600)
def test_selectors_in_another_order_than_those_of_the_total(tmp_path: Path) -> None:
    failed: Matcher = Prefix("5")
    unmatched = {"route": B, "code": failed}
    _holds(tmp_path, ({"route": A}, unmatched), bad=(unmatched, {"route": A, "code": failed}))


@pytest.mark.timeout(600)
def test_several_selectors_of_one_label(tmp_path: Path) -> None:
    good: Selectors = ({"route": A, "code": Prefix("2")}, {"route": A, "code": Prefix("4")})
    _holds(tmp_path, ({"route": A},), good=good)


@pytest.mark.timeout(600)
def test_selectors_that_differ_by_route(tmp_path: Path) -> None:
    bad: Selectors = ({"route": A, "code": Prefix("5")}, {"route": B, "code": OneOf(("429",))})
    _holds(tmp_path, ({"route": OneOf(("/a", "/b"))},), bad=bad)


@pytest.mark.timeout(600)
def test_selectors_that_overlap(tmp_path: Path) -> None:
    bad = ({"code": OneOf(("500",))}, {"code": Prefix("5")})
    _holds(tmp_path, ({"code": Prefix("1", negated=True)},), bad=bad)

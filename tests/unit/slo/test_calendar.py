"""Months and quarters, and what is told of an SLO that holds for one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slo.adoption import load_adoption
from slo.calendar import Calendar
from slo.dashboards.detail import detail
from slo.dashboards.frame import to_json
from slo.declaration import load_services
from slo.explain import explain
from slo.generate import service_groups
from slo.model import Slo
from slo.rules import Clock
from stack import values

from tests.service import ROOT

[ROLLING, *_] = load_services(ROOT, "ports")["ports"]


def monthly(calendar: Calendar = Calendar.MONTH) -> Slo:
    """The SLO of availability, held for a unit of the calendar."""
    return replace(ROLLING, period=calendar.longest, calendar=calendar)


@pytest.mark.parametrize(
    ("calendar", "moment", "begin", "end"),
    [
        (Calendar.MONTH, "2028-03-01T00:00:00+00:00", "2028-02-01", "2028-03-01"),
        (Calendar.MONTH, "2028-02-29T23:59:59+00:00", "2028-01-01", "2028-02-01"),
        (Calendar.MONTH, "2028-01-15T12:00:00+00:00", "2027-12-01", "2028-01-01"),
        (Calendar.MONTH, "2028-03-01T00:30:00+01:00", "2028-01-01", "2028-02-01"),
        (Calendar.QUARTER, "2028-04-01T00:00:00+00:00", "2028-01-01", "2028-04-01"),
        (Calendar.QUARTER, "2028-03-31T23:59:59+00:00", "2027-10-01", "2028-01-01"),
    ],
)
def test_the_last_full_month_or_quarter_ends_at_midnight_utc(
    calendar: Calendar, moment: str, begin: str, end: str
) -> None:
    found = calendar.last_full(datetime.fromisoformat(moment))
    assert found == tuple(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (begin, end))


@pytest.mark.parametrize("calendar", Calendar)
def test_no_unit_is_longer_than_the_longest(calendar: Calendar) -> None:
    moments = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=days) for days in range(1500)]
    lengths = {end - begin for begin, end in map(calendar.last_full, moments)}
    assert max(lengths) == calendar.longest


def test_alerts_panels_and_words_name_the_calendar() -> None:
    adoption = load_adoption(ROOT)
    for calendar in Calendar:
        slo = monthly(calendar)
        groups = service_groups("ports", [slo], adoption, Clock())
        assert max(len(group.rules) for group in groups) <= 20, "Mimir takes 20 rules in a group"
        rules = [rule for group in groups for rule in group.rules]
        burns = [rule for rule in rules if rule.is_alert and "Burn" in rule.name]
        assert len(burns) == 4
        for rule in burns:
            assert rule.annotations["description"].endswith(
                f"99.9 % must be good in the {calendar}."
            )
        (info,) = (rule for rule in rules if rule.name == "slo_info")
        assert info.labels["period"] == calendar
        assert f'"Good this {calendar}"' in to_json(detail(slo, adoption))
        assert f"99.9 % of events are good, in each {calendar} (UTC)." in explain(slo, Clock())


def test_burn_rates_of_months_and_quarters_are_those_of_thirty_days() -> None:
    adoption = load_adoption(ROOT)
    burns = [
        [
            rule.expr
            for group in service_groups("ports", [slo], adoption, Clock())
            for rule in group.rules
            if rule.is_alert
        ]
        for slo in (ROLLING, monthly(), monthly(Calendar.QUARTER))
    ]
    assert burns[0] == burns[1] == burns[2]


def test_prometheus_keeps_the_longest_period_that_is_declared() -> None:
    spec = values.read(ROOT / "platform/prometheus/values.yaml")["kube-prometheus-stack"]
    kept = timedelta(days=int(spec["prometheus"]["prometheusSpec"]["retention"].removesuffix("d")))
    periods = [slo.period for slos in load_services(ROOT).values() for slo in slos]
    assert max(periods) < kept

"""Rules, panels and Sloth's rules on a real Prometheus that holds thirty days of history."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from slo import probes, series
from slo.analysis import analysis_template, judging, minimum_events
from slo.model import Slo
from slo.rules import Clock, Group, Rule, events
from slo.windows import BASE_WINDOW, all_windows, prometheus_duration
from telemetry import names

from tests.platform.slo import canary
from tests.platform.slo.history import END, ENVIRONMENTS, PANELS, Truth
from tests.platform.slo.real import ROOT, Prometheus, run, tool

pytestmark = pytest.mark.timeout(1200)

# When rules are looked at: odd moments of the last hour.
MOMENTS = tuple(END - seconds for seconds in (1, 457, 1201, 2333, 3001))
# Moments shortly after rules were recorded.
RECORDED = tuple(END - 15 * steps for steps in (1, 31, 80, 155, 200))
EXACT, CLOSE = 1e-6, 0.02


def by_environment(found: list[tuple[dict[str, str], float]]) -> dict[str, float]:
    return {labels[names.ENVIRONMENT]: value for labels, value in found}


def raw_period_ratio(slo: Slo) -> str:
    """The other way to compute the period: raw increases over the whole of it."""
    total = events(slo.service, slo.total, "30d")
    part = events(slo.service, slo.part, "30d")
    return f"({part} or 0 * {total}) / {total}" if slo.bad else f"({total} - {part}) / {total}"


def test_the_period_is_right_in_every_kind_of_traffic(
    server: Prometheus, slos: list[Slo], truths: dict[str, Truth]
) -> None:
    print("\nRatio of bad events over the period, and how far off each way is:")
    print(
        "slo          traffic     counted     recorded   recorded   every 30s        raw  mean of"
    )
    print("                                                    15s                         ratios")
    for slo in slos:
        bad, total = (series.of_slo(name(BASE_WINDOW), slo) for name in (series.bad, series.total))
        recorded, sparse, raw, mean = (
            by_environment(server.query(expr, END))
            for expr in (
                series.of_slo(series.error_ratio(slo.period), slo),
                f"sum_over_time({bad}[30d:30s]) / sum_over_time({total}[30d:30s])",
                raw_period_ratio(slo),
                f"avg_over_time(({bad} / ({total} > 0))[30d:15s])",
            )
        )
        for environment in sorted(ENVIRONMENTS.keys() - {PANELS}):
            truth = truths[environment].bad_ratio(slo.name)
            offs = [
                each[environment] / truth - 1 if truth else each[environment]
                for each in (recorded, sparse, raw, mean)
            ]
            print(
                f"{slo.name:<12} {environment:<10} {truth:>10.4%}  {recorded[environment]:>10.4%}  "
                + "  ".join(f"{off:>+9.4%}" for off in offs)
            )
            allowed = EXACT if environment == "constant" else CLOSE
            assert abs(offs[0]) <= allowed, (slo.name, environment)


def test_every_rule_yields_numbers_and_nothing_else(
    server: Prometheus, groups: list[Group]
) -> None:
    for rule in (rule for group in groups for rule in group.rules):
        for moment in MOMENTS:
            values = [value for _, value in server.query(rule.expr, moment)]
            assert all(math.isfinite(value) for value in values), (rule.name, moment, values)


def test_every_recording_rule_has_data_where_there_should_be_some(
    server: Prometheus, groups: list[Group]
) -> None:
    everywhere = set(ENVIRONMENTS)
    without_traffic = {series.error_ratio(window) for window in all_windows()[:4]}
    without_traffic.add(series.CURRENT_BURN)
    for rule in recording(groups):
        if rule.name == series.EXHAUSTION or rule.expr.startswith("vector("):
            continue
        expected = everywhere - {"idle"} if rule.name in without_traffic else everywhere
        if rule.name == series.error_ratio(all_windows()[4]):
            continue  # the six hours without traffic begin exactly where its window does
        assert set(by_environment(server.query(rule.expr, END - 1))) == expected, rule.name


def test_budget_that_outlasts_the_period_has_no_time_to_exhaustion(
    server: Prometheus, slos: list[Slo]
) -> None:
    for slo in slos:
        found = by_environment(server.query(series.of_slo(series.EXHAUSTION, slo), END - 1))
        left = by_environment(server.query(series.of_slo(series.REMAINING, slo), END - 1))
        # A probe fails for a slow answer, too, so that constant traffic spends its budget.
        assert (left["constant"] > 0) == (slo.name != "reachability")
        assert left["faultless"] > 0
        # These burn no faster now than before: they are exhausted if spent, and else never.
        steady = ("constant", "faultless", "idle")
        expected = {each: 0.0 for each in steady if left[each] <= 0}
        assert {each: found[each] for each in found if each in steady} == expected


def test_the_analysis_of_a_version_counts_as_the_rules_do(
    server: Prometheus, slos: list[Slo]
) -> None:
    """The series here have no pod-template hash: as one version, they are the whole service."""
    metrics = analysis_template("ports", slos, Clock())["spec"]["metrics"]
    compared = 0
    for slo, environment, after in itertools.product(judging(slos), ENVIRONMENTS, RECORDED):
        arguments = {"environment": environment, "canary-hash": "", "stable-hash": ""}
        totals, bads = (
            series.of_slo(name(BASE_WINDOW), slo) for name in (series.total, series.bad)
        )
        # Prometheus chooses the moment within an interval by the rule file's path.
        moment = by_environment(server.query(f"timestamp({totals})", after))[environment]
        events_, burning, excess = (
            server.query(canary.query(metric, arguments), moment)[0][1]
            for metric in metrics
            if metric["name"].startswith(f"{slo.name}-")
        )
        total, bad = (
            300 * by_environment(server.query(each, moment))[environment] for each in (totals, bads)
        )
        assert events_ == pytest.approx(total)
        if total >= minimum_events(slo):
            assert burning == pytest.approx(bad / total / float(slo.budget))
            compared += 1
        # No version is worse than itself.
        assert excess == pytest.approx(0, abs=1e-9)
    assert compared > len(RECORDED)


def recording(groups: list[Group]) -> list[Rule]:
    return [rule for group in groups for rule in group.rules if not rule.is_alert]


def test_evaluation_time_is_printed(
    server: Prometheus, slos: list[Slo], groups: list[Group]
) -> None:
    """Medians of five, for the decision records; no threshold: machines differ."""
    print()
    for group in groups:
        taken = [(server.seconds(rule.expr, END - 1), rule.name) for rule in group.rules]
        slowest = max(taken)
        print(
            f"{group.name:<32} {len(taken):>3} rules "
            f"{sum(each for each, _ in taken) * 1000:>7.0f} ms "
            f"every {prometheus_duration(group.interval)}, slowest {slowest[1]} "
            f"{slowest[0] * 1000:.0f} ms"
        )
    for slo in slos:
        (recorded,) = (
            rule.expr
            for group in groups
            if group.name == f"slo-ports-{slo.name}-budget"
            for rule in group.rules
            if rule.name == series.error_ratio(slo.period)
        )
        times = [server.seconds(expr, END - 1) for expr in (recorded, raw_period_ratio(slo))]
        print(
            f"{slo.name}: period from recorded sums {times[0] * 1000:.0f} ms, "
            f"from raw counters {times[1] * 1000:.0f} ms ({times[1] / times[0]:.1f} times)"
        )
        assert all(times)


# Panel queries that rightly find nothing in this history, and why.
QUIET_PANELS = {
    "Exhausted in": "the budgets of the environments asked about outlast the period",
}


def panel_queries() -> Iterator[tuple[str, str, str, bool]]:
    """Every query of every dashboard: file, panel, expression, whether it is of one moment."""
    for file in sorted((ROOT / "platform/generated").rglob("dashboards/*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield file.stem, panel["title"], target["expr"], bool(target.get("instant"))
        for each in dashboard["annotations"].get("list", []):
            yield file.stem, each["name"], each["expr"], False


def test_every_panel_finds_data(server: Prometheus) -> None:
    found = 0
    for file, title, expr, instant in panel_queries():
        filled = expr
        for variable, value in (
            ("$__rate_interval", "1m"),
            ("$__range", "1h"),
            ("$service", "ports"),
            ("$cluster", ".*"),
            ("$environment", ".+" if file == "overview" else PANELS),
        ):
            filled = filled.replace(variable, value)
        assert "$" not in filled, (file, title, filled)
        result = (
            server.query(filled, END - 30)
            if instant
            else server.query_range(filled, END - 3600, END - 30, 60)
        )
        if title in QUIET_PANELS:
            assert file != "overview"
            continue
        assert result, f"{file}: {title}: no data: {filled}"
        found += 1
    assert found >= 50, found


def test_every_query_of_the_runbooks_finds_data(server: Prometheus) -> None:
    # The history is of ports; a service from the template brings the same queries.
    pages = sorted(ROOT.glob("services/ports/runbooks/*.md"))
    queries = [
        (page.name, query)
        for page in pages
        for query in re.findall(
            r"^```promql\n(.*?)\n```$", page.read_text(), re.DOTALL | re.MULTILINE
        )
    ]
    for page, query in queries:
        here = query.replace('"prod"', f'"{PANELS}"')
        assert here != query, (page, "asks for no environment", query)
        assert server.query(here, END - 30), (page, query)
    assert {page for page, _ in queries} == {page.name for page in pages}


def inlined(name: str, slo: Slo, groups: list[Group]) -> str:
    """A rule's expression over raw counters alone, as it is at any moment."""
    rules = {rule.name: rule for rule in recording(groups) if rule.labels[series.SLO] == slo.name}

    def expand(expr: str) -> str:
        for other, rule in rules.items():
            recorded = series.of_slo(other, slo)
            if recorded in expr:
                expr = expr.replace(recorded, f"({expand(rule.expr)})")
        return expr

    return expand(rules[name].expr)


def sloth_spec(slo: Slo) -> dict[str, object]:
    """The same SLO as Sloth declares it: queries by hand, the window left open."""
    by = f"sum by ({names.SERVICE_NAME}, {names.ENVIRONMENT})"
    count = f"{names.HTTP_SERVER_DURATION}_count"
    if slo.total.family.outside:
        asked = 'service_name="ports", probe=~"/ports|/ports/\\\\{id\\\\}"'
        total, success = (
            f"{by} (rate({name}{{{asked}}}[{{{{.window}}}}]))" for name in probes.COUNTERS
        )
        error = f"({total} - {success})"
    elif slo.name == "availability":
        routes = 'service_name="ports", http_route=~"/ports|/ports/\\\\{id\\\\}|_overload"'
        total = f"{by} (rate({count}{{{routes}}}[{{{{.window}}}}]))"
        error = (
            f'{by} (rate({count}{{{routes}, http_response_status_code=~"5.."}}[{{{{.window}}}}]))'
        )
    else:
        routes = (
            'service_name="ports", http_route=~"/ports|/ports/\\\\{id\\\\}", '
            'http_response_status_code!~"5.."'
        )
        bucket = f'{names.HTTP_SERVER_DURATION}_bucket{{{routes}, le="0.1"}}'
        total = f"{by} (rate({count}{{{routes}}}[{{{{.window}}}}]))"
        error = f"({total} - {by} (rate({bucket}[{{{{.window}}}}])))"
    alerting = {
        "name": slo.name,
        "page_alert": {"disable": True},
        "ticket_alert": {"disable": True},
    }
    return {
        "version": "prometheus/v1",
        "service": "ports",
        "slos": [
            {
                "name": slo.name,
                "objective": float(slo.objective * 100),
                "sli": {"events": {"error_query": error, "total_query": total}},
                "alerting": alerting,
            }
        ],
    }


def test_burn_rates_are_those_of_sloth(
    server: Prometheus, slos: list[Slo], groups: list[Group], tmp_path: Path
) -> None:
    """Where both are defined; what only one of them has is listed and explained."""
    yaml = YAML(typ="safe")
    compared, only_ours, only_sloths, furthest = 0, set(), set(), 0.0
    for slo in slos:
        yaml.dump(sloth_spec(slo), tmp_path / "spec.yaml")
        run(tool("sloth"), "generate", "-i", "spec.yaml", "-o", "rules.yaml", cwd=tmp_path)
        rules = {
            rule["record"]: rule["expr"]
            for group in yaml.load(tmp_path / "rules.yaml")["groups"]
            for rule in group["rules"]
        }
        for window in all_windows():
            name = series.error_ratio(window)
            for moment in MOMENTS:
                ours = by_environment(server.query(inlined(name, slo, groups), moment))
                sloths = by_environment(server.query(rules[name], moment))
                only_ours |= {(slo.name, each) for each in ours.keys() - sloths.keys()}
                odd = {each for each in sloths if not math.isfinite(sloths[each])}
                only_sloths |= {(slo.name, each) for each in (sloths.keys() - ours.keys())}
                assert odd <= sloths.keys() - ours.keys(), "ours is defined where Sloth's is NaN"
                for each in ours.keys() & sloths.keys():
                    furthest = max(furthest, abs(ours[each] - sloths[each]))
                    compared += 1
    print(f"\n{compared} burn rates compared with Sloth's, furthest apart {furthest:.1e}")
    print(f"only here: {sorted(only_ours)}; only Sloth's, as NaN: {sorted(only_sloths)}")
    assert compared > 300
    assert furthest <= 1e-9
    # Without an error series Sloth's division has no left side; ours is zero.
    assert only_ours == {("availability", "faultless")}
    # Without traffic Sloth's divides zero by zero; ours is absent.
    assert only_sloths == {(slo.name, "idle") for slo in slos}

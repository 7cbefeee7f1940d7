"""Unit tests for promtool: what each alert must do, and must not, minute by minute."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from telemetry import names

from slo import series
from slo.adoption import Adoption
from slo.alerts import (
    ENVIRONMENT_TEMPLATE,
    RATIO_TEMPLATE,
    begin_template,
    service_group,
    slo_alerts,
)
from slo.calendar import Calendar
from slo.coverage import exists_from_start
from slo.model import Slo
from slo.rules import EVALUATION_INTERVAL, Clock, Group, Rule
from slo.traffic import ENVIRONMENT, OTHER_ENVIRONMENT, InputSeries, Phase, traffic
from slo.windows import (
    BASE_WINDOW,
    BURN_WINDOWS,
    CURRENT_WINDOW,
    MISSING_HOLD,
    MISSING_LOOKBACK,
    NO_READY_PODS_HOLD,
    BurnWindow,
)

Test = dict[str, Any]

# The distance of tested values from the threshold, above and below.
_ABOVE = Decimal("1.01")
_BELOW = Decimal("0.99")
_ONE = Decimal(1)

# A month that begins after 29 February, and a quarter.
_MARCH = datetime(2028, 3, 1, tzinfo=UTC)
_APRIL = datetime(2028, 4, 1, tzinfo=UTC)

_BEGIN = re.compile(re.escape(begin_template("SECONDS")).replace("SECONDS", r"([\d.]+)"))

# The number of recorded values that are NaN or infinite; an empty result would fail the test too.
_NOT_NUMBERS = 'count({__name__=~"slo:.+"}) - count(({__name__=~"slo:.+"} > -Inf) < Inf)'


def alert_tests(
    service: str, slos: Sequence[Slo], groups: Sequence[Group], adoption: Adoption
) -> dict[str, Any]:
    """Make the test file that lies beside a service's `rules.yaml`, which holds the groups."""
    no_ready_pods, watchdog = service_group(service, Clock(), adoption).rules
    always = _test(
        f"{service}: the watchdog fires though there is no data",
        [],
        [_alert(minute, watchdog, dict(watchdog.labels)) for minute in (0, 60)],
    )
    return {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": [group.name for group in groups],
        # Compare numbers as far as floating point goes.
        "fuzzy_compare": True,
        "tests": [
            *(test for slo in slos for test in _SloTests(slo, adoption).all()),
            _no_ready_pods(service, no_ready_pods),
            _no_ready_pods_of_a_rollout(service, no_ready_pods),
            always,
        ],
    }


# Ready pods of the environment whose page is expected.
UNREADY_FOR_TEN_MINUTES = "2x9 0x10 1x19"


def _unready_for_ten_minutes(rule: Rule, name: str, inputs: list[InputSeries]) -> Test:
    hold = _minutes(NO_READY_PODS_HOLD)
    firing = {**rule.labels, names.ENVIRONMENT: ENVIRONMENT}
    return _test(
        name,
        inputs,
        [
            _alert(10 + hold - 1, rule, None),
            _alert(10 + hold, rule, firing),
            _alert(20, rule, firing),
            _alert(21, rule, None),
        ],
    )


def _no_ready_pods(service: str, rule: Rule) -> Test:
    """Let a Deployment's pods become unready, beside Deployments that are well or at rest."""

    def deployment(
        namespace: str, wanted: str, available: str, name: str = service
    ) -> list[InputSeries]:
        of = f'{{deployment="{name}", namespace="{namespace}"}}'
        return [
            {"series": f"kube_deployment_spec_replicas{of}", "values": wanted},
            {"series": f"kube_deployment_status_replicas_available{of}", "values": available},
        ]

    return _unready_for_ten_minutes(
        rule,
        f"{rule.name}: no ready pod pages; a ready one, none wanted or another service does not",
        [
            *deployment(f"{service}-{ENVIRONMENT}", "2x40", UNREADY_FOR_TEN_MINUTES),
            *deployment(f"{service}-{OTHER_ENVIRONMENT}", "2x40", "1x40"),
            *deployment(f"{service}-idle", "0x40", "0x40"),
            *deployment(f"{service}-other-{ENVIRONMENT}", "2x40", "0x40", f"{service}-other"),
            *deployment("elsewhere", "2x40", "0x40"),
        ],
    )


def _no_ready_pods_of_a_rollout(service: str, rule: Rule) -> Test:
    """Let a Rollout's pods become unready, beside a new version that never is ready."""

    def replicas(environment: str, version: str, ready: str, owner: str = service) -> Any:
        space, name = f"{service}-{environment}", f"{owner}-{version}"
        place = f'namespace="{space}", replicaset="{name}"'
        return [
            {
                "series": f"kube_replicaset_owner{{{place}, "
                f'owner_kind="Rollout", owner_name="{owner}"}}',
                "values": "1x40",
            },
            {"series": f"kube_replicaset_spec_replicas{{{place}}}", "values": "2x40"},
            {"series": f"kube_replicaset_status_ready_replicas{{{place}}}", "values": ready},
        ]

    return _unready_for_ten_minutes(
        rule,
        f"{rule.name}: no ready pod of a Rollout pages; one of either version does not",
        [
            *replicas(ENVIRONMENT, "old", UNREADY_FOR_TEN_MINUTES),
            *replicas(OTHER_ENVIRONMENT, "old", "2x40"),
            *replicas(OTHER_ENVIRONMENT, "new", "0x40"),
            *replicas("idle", "new", "0x40", f"{service}-other"),
        ],
    )


def _test(
    name: str,
    inputs: list[InputSeries],
    alerts: Sequence[Mapping[str, Any]],
    queries: Sequence[Mapping[str, Any]] = (),
) -> Test:
    test: Test = {"name": name, "interval": "1m"}
    if inputs:
        test["input_series"] = inputs
    test["alert_rule_test"] = list(alerts)
    if queries:
        test["promql_expr_test"] = list(queries)
    return test


def _alert(
    minute: int, rule: Rule, labels: Mapping[str, str] | None, ratio: Decimal | None = None
) -> dict[str, Any]:
    """Expect one alert with these labels at a minute, or with None that there is none."""
    expected = []
    if labels is not None:
        percentage = "" if ratio is None else f"{float(ratio) * 100:.4g}%"
        environment = labels.get(names.ENVIRONMENT, "")

        def filled(text: str) -> str:
            text = text.replace(ENVIRONMENT_TEMPLATE, environment)
            text = text.replace(RATIO_TEMPLATE, percentage)
            return _BEGIN.sub(lambda found: f"{1000 * (60 * minute - float(found[1])):.0f}", text)

        annotations = {key: filled(text) for key, text in rule.annotations.items()}
        expected.append({"exp_labels": dict(labels), "exp_annotations": annotations})
    return {"eval_time": f"{minute}m", "alertname": rule.name, "exp_alerts": expected}


def _query(minute: int, expr: str, *samples: tuple[str, float]) -> dict[str, Any]:
    expected = [{"labels": labels, "value": value} for labels, value in samples]
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": expected}


def _minutes(window: Any) -> int:
    return int(window.total_seconds()) // 60


class _SloTests:
    """The tests of one SLO."""

    def __init__(self, slo: Slo, adoption: Adoption) -> None:
        self.slo = slo
        *burns, self.missing = slo_alerts(slo, Clock(), adoption)
        self.from_start = exists_from_start(slo.total)
        # A prober that is gone is missed when no rate can be computed: that takes two samples.
        self.lag = _minutes(BASE_WINDOW) - 2 if slo.total.family.outside else 0
        self.burns = dict(zip(BURN_WINDOWS, burns, strict=True))
        thinnest = min(
            window.threshold(slo.objective, slo.alerting_period) for window in BURN_WINDOWS
        )
        # Enough events a minute that the low-traffic guard is out of play.
        self.busy = max(Decimal(1_000_000), Decimal(10 * slo.minimum_bad_events) / thinnest)

    def all(self) -> Iterator[Test]:
        for window, rule in self.burns.items():
            yield self._just_above(window, rule)
            yield self._just_below(window, rule)
            yield self._recovery(window, rule)
            yield self._burst(window, rule)
            yield self._few(window, rule, self.slo.minimum_bad_events - 1)
            yield self._few(window, rule, self.slo.minimum_bad_events)
        yield self._idle()
        yield self._unborn()
        if self.from_start:
            yield self._unexposed()
        if self.slo.total.family.outside:
            yield self._unprobed()
        yield self._no_part()
        yield self._reset()
        yield self._vanished()
        yield self._unreachable()
        yield self._nan()
        yield self._broken("part")
        yield self._broken("rest")
        yield self._night()
        yield self._spent()
        if self.slo.calendar:
            yield self._border(self.slo.calendar)
            yield self._forecast(self.slo.calendar)

    def _name(self, rule: Rule | None, what: str) -> str:
        subject = rule.name if rule else f"{self.slo.service} {self.slo.name}"
        return f"{subject}: {what}"

    def _phase(self, minutes: int, ratio: Decimal, events: Decimal | None = None) -> Phase:
        events = self.busy if events is None else events
        return Phase(minutes, good=events * (1 - ratio), bad=events * ratio)

    def _inputs(self, *phases: Phase) -> list[InputSeries]:
        """Let this happen in one environment while the other is as busy and well."""
        minutes = sum(phase.minutes for phase in phases)
        well = self._phase(minutes, Decimal(0))
        return [*traffic(self.slo, phases), *traffic(self.slo, [well], OTHER_ENVIRONMENT)]

    def _labels(self, rule: Rule) -> dict[str, str]:
        target = {names.SERVICE_NAME: self.slo.service, names.ENVIRONMENT: ENVIRONMENT}
        return {**target, **rule.labels}

    def _fires(self, minute: int, rule: Rule, ratio: Decimal | None = None) -> dict[str, Any]:
        return _alert(minute, rule, self._labels(rule), ratio)

    def _silent(self, minute: int, *rules: Rule) -> list[dict[str, Any]]:
        return [_alert(minute, rule, None) for rule in rules or self.burns.values()]

    def _ratio(self, window: BurnWindow, times: Decimal) -> Decimal:
        return min(_ONE, times * window.threshold(self.slo.objective, self.slo.alerting_period))

    def _sample(self, name: str, environment: str = ENVIRONMENT) -> str:
        return (
            f'{name}{{{names.SERVICE_NAME}="{self.slo.service}", '
            f'{names.ENVIRONMENT}="{environment}", {series.SLO}="{self.slo.name}"}}'
        )

    def _value(self, minute: int, name: str, value: float | None) -> dict[str, Any]:
        """Expect this value of a recorded series at a minute, or with None that it has none."""
        rounded = f"round({self._sample(name)}, 1e-9)"
        return _query(minute, rounded, *([] if value is None else [(self._sample(""), value)]))

    def _just_above(self, window: BurnWindow, rule: Rule) -> Test:
        ratio, hold = self._ratio(window, _ABOVE), _minutes(window.hold)
        # The first ratio is known at minute 1, when there are two samples.
        return _test(
            self._name(rule, "just above its threshold it fires, once it has held"),
            self._inputs(self._phase(hold + 5, ratio)),
            [*self._silent(hold, rule), self._fires(hold + 1, rule, ratio)],
        )

    def _just_below(self, window: BurnWindow, rule: Rule) -> Test:
        hold = _minutes(window.hold)
        return _test(
            self._name(rule, "just below its threshold it is silent"),
            self._inputs(self._phase(hold + 5, self._ratio(window, _BELOW))),
            self._silent(hold + 5, rule),
        )

    def _recovery(self, window: BurnWindow, rule: Rule) -> Test:
        hold, short = _minutes(window.hold), _minutes(window.short)
        ratio, end = self._ratio(window, _ABOVE), hold + 5
        # Hardly any traffic afterwards: the long window stays above, the short one must clear.
        quiet = self._phase(short + 5, Decimal(0), self.busy / 10_000)
        return _test(
            self._name(rule, "it ends once the short window is well"),
            self._inputs(self._phase(end, ratio), quiet),
            [self._fires(end, rule, ratio), *self._silent(end + short, rule)],
        )

    def _burst(self, window: BurnWindow, rule: Rule) -> Test:
        hold, short = _minutes(window.hold), _minutes(window.short)
        lasts = short + hold + 5
        # So many good events before that the burst is little in the long window.
        before = self._phase(10, Decimal(0), self.busy * lasts)
        return _test(
            self._name(rule, "a burst that is little in the long window is no alert"),
            self._inputs(before, self._phase(lasts, self._ratio(window, Decimal(2)))),
            self._silent(10 + lasts, rule),
        )

    def _few(self, window: BurnWindow, rule: Rule, events: int) -> Test:
        hold, minimum = _minutes(window.hold), self.slo.minimum_bad_events
        none = Phase(5, good=Decimal(0))
        happens = Phase(1, good=Decimal(0), bad=Decimal(events))
        inputs = self._inputs(none, happens, Phase(hold, good=Decimal(0)))
        minute = 6 + hold
        if events < minimum:
            name = f"{events} bad events and no other are too few, the minimum being {minimum}"
            return _test(self._name(rule, name), inputs, self._silent(minute, rule))
        name = f"{events} bad events and no other are enough, the minimum being {minimum}"
        return _test(self._name(rule, name), inputs, [self._fires(minute, rule, _ONE)])

    def _idle(self) -> Test:
        end = 30 + 6 * 60
        return _test(
            self._name(None, "six hours without a request are no alert, no ratio and no spending"),
            self._inputs(self._phase(30, Decimal(0)), Phase(6 * 60, good=Decimal(0))),
            [*self._silent(end), *self._silent(end, self.missing)],
            [
                self._value(end, series.total(BASE_WINDOW), 0),
                self._value(end, series.error_ratio(BASE_WINDOW), None),
                self._value(end, series.CURRENT_BURN, None),
                self._value(end, series.EXHAUSTION, None),
                self._value(end, series.REMAINING, 1),
                _query(end, _NOT_NUMBERS, ("{}", 0)),
            ],
        )

    def _unborn(self) -> Test:
        """Let a service run that has not had an event yet."""
        inputs = traffic(self.slo, [Phase(60, good=Decimal(0))])
        if not self.from_start:
            (*_, target) = inputs
            inputs = [target]
        return _test(
            self._name(self.missing, "a service that answers and has had no event yet is no alert"),
            inputs,
            [*self._silent(60), *self._silent(60, self.missing)],
            [self._value(60, series.error_ratio(BASE_WINDOW), None)],
        )

    def _unexposed(self) -> Test:
        """Let a target answer whose metrics lack the SLI's."""
        hold = _minutes(MISSING_HOLD)
        (*_, target) = traffic(self.slo, [Phase(60, good=Decimal(0))])
        return _test(
            self._name(self.missing, "a target without the SLI's series pages"),
            [target],
            [*self._silent(hold - 1, self.missing), self._fires(hold, self.missing)],
        )

    def _unprobed(self) -> Test:
        """Let the service answer where nobody probes it."""
        target = series.in_environment(series.targets_up(self.slo.service), ENVIRONMENT)
        return _test(
            self._name(self.missing, "an environment without a prober is no alert"),
            [{"series": target, "values": "1x60"}],
            [*self._silent(60), *self._silent(60, self.missing)],
        )

    def _no_part(self) -> Test:
        part = "bad" if self.slo.bad else "good"
        ratio = 0 if self.slo.bad else 1
        budget_left = 1 - ratio / float(self.slo.budget)
        return _test(
            self._name(None, f"no series of {part} events means that there were none"),
            traffic(self.slo, [self._phase(30, Decimal(ratio))], without_parts=True),
            self._silent(30) if self.slo.bad else [],
            [
                *(
                    self._value(30, series.error_ratio(side), ratio)
                    for window in BURN_WINDOWS
                    for side in (window.long, window.short)
                ),
                self._value(30, series.REMAINING, budget_left),
            ],
        )

    def _reset(self) -> Test:
        ratio = self.slo.budget / 2
        before = self._phase(30, ratio)
        after = Phase(30, before.good, before.bad, restarted=True)
        return _test(
            self._name(None, "counters that start again change neither ratio nor budget"),
            self._inputs(before, after),
            self._silent(60),
            [
                *(
                    self._value(minute, series.error_ratio(window.long), float(ratio))
                    for window in BURN_WINDOWS
                    for minute in (30, 31, 32, 60)
                ),
                self._value(60, series.REMAINING, 0.5),
            ],
        )

    def _vanished(self) -> Test:
        hold = _minutes(MISSING_HOLD)
        normal = self._phase(30, Decimal(0))
        gone = Phase(1, normal.good, instead="stale")
        inputs = traffic(self.slo, [normal, gone], up="1x30 stale")
        other = traffic(self.slo, [self._phase(110, Decimal(0))], OTHER_ENVIRONMENT)
        # The last rate is recorded while two samples lie in the window.
        forgotten = 30 + _minutes(BASE_WINDOW) + _minutes(MISSING_LOOKBACK)
        return _test(
            self._name(self.missing, "a target that vanished pages, until it counts as removed"),
            [*inputs, *other],
            [
                *self._silent(30, self.missing),
                *self._silent(30 + hold, self.missing),
                self._fires(31 + hold + self.lag, self.missing),
                self._fires(85, self.missing),
                *self._silent(forgotten, self.missing),
                *self._silent(85),
            ],
            [self._value(60, series.error_ratio(BASE_WINDOW), None)],
        )

    def _unreachable(self) -> Test:
        hold = _minutes(MISSING_HOLD)
        normal = self._phase(30, Decimal(0))
        gone = Phase(90, normal.good, instead="_")
        again = self._phase(10, Decimal(0))
        inputs = traffic(self.slo, [normal, gone, again], up="1x30 0x89 1x9")
        other = traffic(self.slo, [self._phase(130, Decimal(0))], OTHER_ENVIRONMENT)
        return _test(
            self._name(self.missing, "a target that does not answer pages for as long as that"),
            [*inputs, *other],
            [
                *self._silent(30 + hold, self.missing),
                self._fires(31 + hold + self.lag, self.missing),
                self._fires(120, self.missing),
                *self._silent(130, self.missing),
            ],
        )

    def _nan(self) -> Test:
        ratio, hold = self.slo.budget / 2, _minutes(MISSING_HOLD)
        normal = self._phase(30, ratio)
        one = Phase(1, normal.good, normal.bad, instead="NaN")
        infinite = Phase(1, normal.good, normal.bad, instead="Inf")
        lasting = Phase(20, normal.good, normal.bad, instead="NaN")
        return _test(
            self._name(None, "NaN and Inf in the metrics reach no rule's result"),
            self._inputs(normal, one, normal, infinite, normal, lasting),
            [
                *self._silent(91),
                *self._silent(112),
                *self._silent(90 + hold, self.missing),
                *([self._fires(112, self.missing)] if self.from_start else []),
            ],
            [
                *(
                    _query(minute, _NOT_NUMBERS, ("{}", 0))
                    for minute in (30, 31, 32, 35, 36, 60, 61, 62, 63, 66, 67, 91, 93, 100, 112)
                ),
                self._value(45, series.error_ratio(BASE_WINDOW), float(ratio)),
                self._value(91, series.REMAINING, 0.5),
                self._value(112, series.REMAINING, 0.5),
                self._value(112, series.error_ratio(BASE_WINDOW), None),
            ],
        )

    def _broken(self, kind: Literal["part", "rest"]) -> Test:
        """Let some of the SLI's series lose their numbers: then it is unknown, not bad."""
        ratio = self.slo.budget / 2
        part = "bad" if self.slo.bad else "good"
        whose = f"{part} events" if kind == "part" else f"events other than {part} ones"
        normal = self._phase(30, ratio)
        nan = Phase(1, normal.good, normal.bad, instead="NaN", broken=kind)
        infinite = Phase(1, normal.good, normal.bad, instead="Inf", broken=kind)
        base = (series.total, series.bad, series.error_ratio)
        # A rate is NaN while that is its first or last sample, and broken by Inf throughout.
        unknown = (31, 35, 62, 64, 66)
        return _test(
            self._name(None, f"NaN and Inf in the series of {whose} alone are no bad events"),
            self._inputs(normal, nan, normal, infinite, normal),
            [alert for minute in (*unknown, 92) for alert in self._silent(minute)],
            [
                *(
                    self._value(minute, name(BASE_WINDOW), None)
                    for minute in unknown
                    for name in base
                ),
                *(
                    self._value(minute, series.error_ratio(BASE_WINDOW), float(ratio))
                    for minute in (30, 45, 80)
                ),
                *(self._value(minute, series.REMAINING, 0.5) for minute in (31, 35, 66, 92)),
            ],
        )

    def _spent(self) -> Test:
        """Spend the whole budget, then go quiet."""
        return _test(
            self._name(None, "a budget that is spent is exhausted now, however slowly it burns"),
            self._inputs(self._phase(30, _ONE), Phase(90, good=Decimal(0))),
            [],
            [
                self._value(120, series.error_ratio(CURRENT_WINDOW), None),
                self._value(120, series.REMAINING, 1 - 1 / float(self.slo.budget)),
                self._value(120, series.EXHAUSTION, 0),
            ],
        )

    def _border(self, calendar: Calendar) -> Test:
        """Let a month or a quarter of a leap year end amid twelve quiet minutes."""
        end = _MARCH if calendar is Calendar.MONTH else _APRIL
        before = self._phase(24, self.slo.budget * 2)
        quiet = Phase(12, good=Decimal(0))
        test = _test(
            self._name(None, f"a new {calendar} begins with its whole budget"),
            self._inputs(before, quiet, self._phase(24, self.slo.budget / 4)),
            [],
            [
                self._value(29, series.REMAINING, -1),
                *(self._value(minute, series.REMAINING, 1) for minute in (30, 36)),
                self._value(29, series.period_ratio(self.slo), 2 * float(self.slo.budget)),
                self._value(30, series.period_ratio(self.slo), None),
                self._value(60, series.period_ratio(self.slo), float(self.slo.budget) / 4),
                self._value(60, series.REMAINING, 0.75),
            ],
        )
        return {**test, "start_timestamp": (end - timedelta(minutes=30)).isoformat()}

    def _forecast(self, calendar: Calendar) -> Test:
        """Spend less than allowed for two hours, then twice as much for half an hour."""
        budget = self.slo.budget
        spent = Fraction(120, 4) + 30 * 2
        burn = (Fraction(30, 4) + 30 * 2) / 60
        # Promtool evaluates once a minute what is recorded, and counted, every 15 s.
        often = 60 / Fraction(EVALUATION_INTERVAL.seconds)
        forecast = float((150 - spent) * 60 / (burn - 1) / often)
        exhausted = self._sample(series.EXHAUSTION)
        return _test(
            self._name(None, f"its {calendar}'s budget grows with its events"),
            self._inputs(self._phase(120, budget / 4), self._phase(30, budget * 2)),
            [],
            [
                # The last minutes are not in every window yet.
                _query(150, f"{exhausted} > bool {forecast * 0.9:.9g}", (self._sample(""), 1)),
                _query(150, f"{exhausted} < bool {forecast * 1.1:.9g}", (self._sample(""), 1)),
            ],
        )

    def _night(self) -> Test:
        """Busy days with few errors, quiet nights with many: what an average gets wrong."""
        budget = self.slo.budget
        day = self._phase(120, budget / 10)
        night = self._phase(120, min(_ONE, budget * 20), self.busy / 10_000)
        phases = (day, night)
        events = sum(phase.minutes * (phase.good + phase.bad) for phase in phases)
        ratio = sum(phase.minutes * phase.bad for phase in phases) / events
        period = self._sample(series.period_ratio(self.slo))
        mean = (budget / 10 + min(_ONE, budget * 20)) / 2
        return _test(
            self._name(None, "the period's ratio weighs events, not hours"),
            self._inputs(*phases),
            [],
            [
                # Within 2 % of the events' own ratio, and nowhere near the mean of ratios.
                _query(240, f"{period} > bool {float(ratio) * 0.98:.9g}", (self._sample(""), 1)),
                _query(240, f"{period} < bool {float(ratio) * 1.02:.9g}", (self._sample(""), 1)),
                _query(240, f"{period} < bool {float(mean) / 5:.9g}", (self._sample(""), 1)),
            ],
        )

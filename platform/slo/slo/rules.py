"""Recording rules: rates of events, their ratio, and the budget of the period."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from telemetry import names

from slo import series
from slo.calendar import SLOT
from slo.matchers import quoted
from slo.model import Selector, Slo, Source
from slo.windows import BASE_WINDOW, CURRENT_WINDOW, plain, prometheus_duration

# How often rules are evaluated. The sums over the period need the first to be the scrape interval:
# then each increase between two scrapes counts in the same number of windows (docs/decisions/0022).
EVALUATION_INTERVAL = timedelta(seconds=15)
BUDGET_INTERVAL = timedelta(minutes=1)


Matchers = Sequence[str]
"""Matchers that narrow every selector, as PromQL: `label="value"`."""


@dataclass(frozen=True)
class Rule:
    """One rule of Prometheus: a recording rule, or an alert with `hold` as its `for`."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    hold: timedelta | None = None

    @property
    def is_alert(self) -> bool:
        """Tell an alert from a recording rule."""
        return self.hold is not None


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after another, each seeing what the ones before recorded."""

    name: str
    interval: timedelta
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Clock:
    """Real length of a nominal duration: 1 in production, less where time is compressed."""

    scale: float = 1

    def lasts(self, nominal: timedelta) -> timedelta:
        """Give the real length of a nominal duration."""
        return nominal * self.scale

    def promql(self, nominal: timedelta) -> str:
        """Print the real length of a nominal duration."""
        return prometheus_duration(self.lasts(nominal))

    def seconds(self, nominal: timedelta) -> str:
        """Print the real length in seconds, as a number."""
        return f"{self.lasts(nominal).total_seconds():.12g}"


def events(service: str, source: Source, window: str, only: Matchers = ()) -> str:
    """Rate of a source's events, summed per environment; one broken series breaks the sum."""
    chosen = [selector(service, source, each, only) for each in source.selectors]
    rates = [f"rate({each}[{window}])" for each in chosen]
    body = rates[0] if len(rates) == 1 else "({})".format("\n    or\n    ".join(rates))
    return f"sum {series.BY_TARGET} (\n    {body}\n)"


def selector(service: str, source: Source, labels: Selector, only: Matchers = ()) -> str:
    """Select the counter series of a source that one of its selectors picks."""
    matchers = [f"{names.SERVICE_NAME}={quoted(service)}", *only]
    matchers += [matcher.promql(label) for label, matcher in labels.items()]
    if source.le is not None:
        matchers.append(f"le={quoted(source.le)}")
    return f"{source.series}{{{', '.join(matchers)}}}"


def rate_rules(slo: Slo, clock: Clock, windows: Iterable[timedelta]) -> tuple[Rule, ...]:
    """Record the rates of all and of bad events, and their ratio, over some windows."""
    return tuple(rule for window in windows for rule in _rates(slo, window, clock))


def _rates(slo: Slo, window: timedelta, clock: Clock) -> tuple[Rule, Rule, Rule]:
    labels = {series.SLO: slo.name}
    total = series.of_slo(series.total(window), slo)
    bad = series.of_slo(series.bad(window), slo)
    duration = clock.promql(window)
    return (
        Rule(series.total(window), _total(slo, duration), labels),
        Rule(series.bad(window), _bad(slo, total, duration), labels),
        # No events, no ratio: dividing by nothing would be NaN.
        Rule(series.error_ratio(window), f"{bad}\n/\n({total} > 0)", labels),
    )


def _total(slo: Slo, window: str) -> str:
    """Rate of all events, where all events and their part are finite numbers; else no result.

    A NaN or Inf in any series makes the whole environment's SLI unknown. Dropping that series
    alone would make good events look bad, or bad ones good. Later rules need this result, so they
    record nothing without it.
    """
    total = f"{events(slo.service, slo.total, window)} > -Inf < Inf"
    if not slo.apart:
        # The part's series are some of the total's: where these are finite, so are they.
        return total
    # Only NaN and Inf times nothing are not nothing.
    return f"{total}\nunless\n0 * {events(slo.service, slo.part, window)} != 0"


def _bad(slo: Slo, recorded_total: str, window: str) -> str:
    """Rate of bad events; a series that does not exist yet has counted nothing."""
    total = f"sum {series.BY_TARGET} ({recorded_total})"
    part = events(slo.service, slo.part, window)
    if slo.bad is not None:
        return f"{part}\nand\n{total}\nor\n0 * {total}"
    # Subtracting two sums may leave a hair less than zero, and nobody has less than no bad events.
    return f"clamp_min(\n{total}\n-\n(\n{part}\nor\n0 * {total}\n),\n0)"


def tile_rules(slo: Slo) -> tuple[Rule, ...]:
    """Record the rates that the period sums, each in its month's or quarter's tile."""
    if slo.calendar is None:
        return ()
    tiled = f"* on () group_left ({SLOT}) {slo.calendar.slot}"
    return tuple(
        Rule(series.tile(name), f"{series.of_slo(name, slo)}\n{tiled}", {series.SLO: slo.name})
        for name in (series.total(BASE_WINDOW), series.bad(BASE_WINDOW))
    )


def _over_period(slo: Slo, name: str, clock: Clock) -> str:
    """Sum a rate over the period: each sample weighs the same."""
    period = clock.promql(slo.period)
    if slo.calendar is None:
        return f"sum_over_time({series.of_slo(name, slo)}[{period}])"
    tiles = f"sum_over_time({series.of_slo(series.tile(name), slo)}[{period}])"
    return f"sum without ({SLOT}) ({tiles} and on ({SLOT}) {slo.calendar.slot})"


def _remaining(slo: Slo) -> str:
    """Share of the budget that is left; a month or quarter that is idle so far has all of it."""
    left = f"1 - {series.of_slo(series.PERIOD_BURN, slo)}"
    if slo.calendar is None:
        return left
    return f"{left}\nor\n1 + 0 * {series.of_slo(series.total(BASE_WINDOW), slo)}"


def _exhaustion(slo: Slo, clock: Clock) -> str:
    """Seconds until the budget is spent, at the last hour's rates.

    A rolling period is as long as it is. A month's budget is a share of its events so far, and
    grows with them: what is left of it, over how much faster bad events come than it grows.
    """
    budget = plain(slo.budget)
    ratio = series.of_slo(series.error_ratio(CURRENT_WINDOW), slo)
    if slo.calendar is None:
        remaining = series.of_slo(series.REMAINING, slo)
        left = f"clamp_min({remaining}, 0) * {clock.seconds(slo.period)}"
        return f"{left}\n/\n(({ratio} / {budget}) > 1)"
    total, bad = (
        _over_period(slo, name(BASE_WINDOW), clock) for name in (series.total, series.bad)
    )
    rate, failing = (
        series.of_slo(name(CURRENT_WINDOW), slo) for name in (series.total, series.bad)
    )
    left = f"clamp_min({budget} * {total} - {bad}, 0) * {clock.seconds(EVALUATION_INTERVAL)}"
    return f"{left}\n/\n({failing} - {budget} * {rate} > 0)"


def budget_rules(slo: Slo, clock: Clock) -> tuple[Rule, ...]:
    """Record what is left of the period's budget, how fast it goes, and the SLO's own facts."""
    labels = {series.SLO: slo.name}
    static = {names.SERVICE_NAME: slo.service, **labels}
    budget = plain(slo.budget)
    bad, total = (
        _over_period(slo, name(BASE_WINDOW), clock) for name in (series.bad, series.total)
    )
    period_ratio = series.period_ratio(slo)
    remaining = series.of_slo(series.REMAINING, slo)
    days = () if slo.calendar else (Rule(series.PERIOD_DAYS, f"vector({slo.period.days})", static),)
    return (
        # Bad events over all events: each event weighs the same, by day and by night.
        Rule(
            period_ratio,
            f"{bad}\n/\n({total} > 0)",
            labels,
        ),
        Rule(
            series.CURRENT_BURN,
            f"{series.of_slo(series.error_ratio(BASE_WINDOW), slo)} / {budget}",
            labels,
        ),
        Rule(series.PERIOD_BURN, f"{series.of_slo(period_ratio, slo)} / {budget}", labels),
        Rule(series.REMAINING, _remaining(slo), labels),
        # A budget that burns no faster than allowed is never spent: then there is no such time.
        # One that is spent is at 0 s, however fast it burns now.
        Rule(
            series.EXHAUSTION,
            f"{_exhaustion(slo, clock)}\nor\nclamp_min({remaining}, 0) == 0",
            labels,
        ),
        Rule(series.OBJECTIVE, f"vector({plain(slo.objective)})", static),
        Rule(series.ERROR_BUDGET, f"vector({budget})", static),
        *days,
        Rule(
            series.INFO,
            "vector(1)",
            {**static, "objective": plain(slo.objective), "period": slo.window},
        ),
    )

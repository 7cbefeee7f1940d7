"""Made-up traffic for alert tests: the input series that a given run of events would leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from telemetry import names

from slo import series
from slo.coverage import leftover, samples
from slo.matchers import quoted
from slo.model import Slo
from slo.windows import exact, plain

# The second environment of each test; it must not be mixed with the first.
ENVIRONMENT = "prod"
OTHER_ENVIRONMENT = "staging"

InputSeries = dict[str, str]


@dataclass(frozen=True)
class Phase:
    """So many minutes with so many good and bad events in each."""

    minutes: int
    good: Decimal
    bad: Decimal = Decimal(0)
    # The value of each sample of the phase instead of a count, in promtool's notation: `NaN`, `_`.
    instead: str | None = None
    # The series with that value: those of the SLO's part, the rest, or with None all.
    broken: Literal["part", "rest"] | None = None
    # Whether the counters start again from zero, as those of a restarted process do.
    restarted: bool = False


@dataclass(frozen=True)
class _Counter:
    """A counter series, and the share of the good and of the bad events that it counts."""

    series: str
    labels: Mapping[str, str]
    good: Fraction
    bad: Fraction
    le: str | None = None
    # Whether it counts the SLO's part (its good or its bad events) and nothing else.
    kind: Literal["part", "rest"] = "rest"

    def input(self, slo: Slo, environment: str, phases: Iterable[Phase]) -> InputSeries:
        labels = {names.SERVICE_NAME: slo.service, names.ENVIRONMENT: environment}
        labels |= self.labels
        if self.le is not None:
            labels["le"] = self.le
        rendered = ", ".join(f"{label}={quoted(value)}" for label, value in labels.items())
        return {"series": f"{self.series}{{{rendered}}}", "values": self._values(phases)}

    def _values(self, phases: Iterable[Phase]) -> str:
        count, runs = Fraction(0), ["0"]
        for phase in phases:
            if phase.restarted:
                count = Fraction(0)
            step = self.good * Fraction(phase.good) + self.bad * Fraction(phase.bad)
            if phase.instead is None or phase.broken not in {None, self.kind}:
                runs.append(_run(count + step, step, phase.minutes))
            else:
                runs.append(" ".join([phase.instead] * phase.minutes))
            count += step * phase.minutes
        return " ".join(runs)


def _run(start: Fraction, step: Fraction, samples: int) -> str:
    return f"{plain(exact(start))}+{plain(exact(step))}x{samples - 1}"


def traffic(
    slo: Slo,
    phases: Sequence[Phase],
    environment: str = ENVIRONMENT,
    *,
    without_parts: bool = False,
    up: str | None = None,
) -> list[InputSeries]:
    """Make the series of one environment, a sample a minute from minute 0, which is zero.

    Args:
        slo: whose metrics to make.
        phases: what happens, in order.
        environment: the environment's name.
        without_parts: leave out the series of bad events (or of good ones, where the SLO
            counts those): no such event ever happened.
        up: values of `up` of who counts, which is the last series: the service, or its prober.
            By default 1 throughout.
    """
    counters = _counters(slo)
    if without_parts:
        counters = [each for each in counters if each.kind == "rest"]
    minutes = sum(phase.minutes for phase in phases)
    targets = {slo.service: f"1x{minutes}"}
    targets[series.prober(slo.service) if slo.total.family.outside else slo.service] = (
        up or f"1x{minutes}"
    )
    return [
        *(counter.input(slo, environment, phases) for counter in counters),
        *(
            {"series": series.in_environment(series.targets_up(each), environment), "values": value}
            for each, value in targets.items()
        ),
    ]


def _counters(slo: Slo) -> list[_Counter]:
    """Count events under labels that the contract allows.

    An event that a selector should match and cannot match counts among the rest, as in production.
    The tests of the alerts then fail.
    """
    part = slo.part
    meant = samples(part)
    parts = [event for event in meant if event is not None]
    none, share = Fraction(0), Fraction(1, len(meant))
    if slo.apart:
        whole = parts or [event for event in samples(slo.total) if event is not None]
        return [
            *(_Counter(slo.total.series, labels, share, share) for labels in whole),
            *(_Counter(part.series, labels, share, none, part.le, "part") for labels in parts),
        ]
    rest = leftover(slo.total.selectors, part.selectors, part.family)
    good, bad = (none, share) if slo.bad else (share, none)
    others = (1 - good * len(parts), 1 - bad * len(parts))
    return [
        *(_Counter(slo.total.series, labels, *others) for labels in (rest,) if labels is not None),
        *(_Counter(part.series, labels, good, bad, kind="part") for labels in parts),
    ]

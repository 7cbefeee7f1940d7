"""Argo Rollouts' AnalysisTemplate: the SLOs of a service judge its new version under traffic.

Each SLO that the service counts itself makes three measurements of the canary, the new version's
pods. Two of them can fail, which aborts the rollout. The third can only be inconclusive, which
pauses it: the canary had too few events to prove anything. Without data a measurement is an
error, and errors in a row abort as well (docs/decisions/0100).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import Any, Final

from telemetry import names

from slo import series
from slo.model import Slo, Source
from slo.rules import Clock, Matchers
from slo.rules import events as events_of
from slo.windows import BASE_WINDOW, BURN_WINDOWS, exact, plain

# Arguments that the chart's Rollout gives.
ENVIRONMENT: Final = "environment"
CANARY: Final = "canary-hash"
STABLE: Final = "stable-hash"

# One measurement a minute, and as many as the window has minutes. The first one waits for scrapes.
INTERVAL: Final = timedelta(minutes=1)
COUNT: Final = BASE_WINDOW // INTERVAL
# Argo Rollouts tries again 10 s after an error: missing data abort within a minute.
ERRORS_IN_A_ROW: Final = 5


def template_name(service: str) -> str:
    """Name of a service's AnalysisTemplate, which the chart's Rollout refers to."""
    return f"slo-{service}"


def judging(slos: Sequence[Slo]) -> list[Slo]:
    """Choose the SLOs that can tell one version from the other: probes reach both."""
    return [slo for slo in slos if not slo.total.family.outside]


def analysis_template(service: str, slos: Sequence[Slo], clock: Clock) -> dict[str, Any]:
    """Make the AnalysisTemplate of a service's SLOs, of which one at least must be judging."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {
            "name": template_name(service),
            "labels": {"app.kubernetes.io/name": service, "app.kubernetes.io/component": "slo"},
            # The Rollout of the same sync refers to it.
            "annotations": {"argocd.argoproj.io/sync-wave": "-1"},
        },
        "spec": {
            "args": [{"name": name} for name in (ENVIRONMENT, CANARY, STABLE)],
            "metrics": [each for slo in judging(slos) for each in _metrics(slo, clock)],
        },
    }


def burn_limit(slo: Slo) -> Fraction:
    """Burn rate above which the canary fails: that of the fastest page."""
    return BURN_WINDOWS[0].factor(slo.alerting_period)


def minimum_events(slo: Slo) -> int:
    """Events without which the canary has proven nothing.

    Among so many, a version that burns the budget at the limit has as many bad events as a page
    needs.
    """
    return ceil(slo.minimum_bad_events / (burn_limit(slo) * Fraction(slo.budget)))


def _metrics(slo: Slo, clock: Clock) -> Iterator[dict[str, Any]]:
    limit = plain(exact(burn_limit(slo)))
    enough = f"result[0] >= {minimum_events(slo)}"
    # The condition of failure never holds: too few events are no failure, but no success either.
    yield _metric(f"{slo.name}-events", events(slo, clock), (enough, "false"), clock, COUNT - 1)
    for name, query, most in (
        ("burn", burn(slo, clock), limit),
        ("against-stable", against_stable(slo, clock), "1"),
    ):
        conditions = (f"result[0] <= {most}", f"result[0] > {most}")
        yield _metric(f"{slo.name}-{name}", query, conditions, clock)


def _metric(
    name: str, query: str, conditions: tuple[str, str], clock: Clock, inconclusive: int = 0
) -> dict[str, Any]:
    success, failure = conditions
    return {
        "name": name,
        "initialDelay": clock.promql(INTERVAL),
        "interval": clock.promql(INTERVAL),
        "count": COUNT,
        "inconclusiveLimit": inconclusive,
        "consecutiveErrorLimit": ERRORS_IN_A_ROW,
        "successCondition": success,
        "failureCondition": failure,
        "provider": {"prometheus": {"query": query}},
    }


def events(slo: Slo, clock: Clock) -> str:
    """Query the number of the canary's events in the window."""
    return _Version(slo, CANARY, clock).total()


def burn(slo: Slo, clock: Clock) -> str:
    """Query how fast the canary burns the budget: 1 is as fast as allowed.

    Fewer events than the minimum count as the minimum: a few bad ones among them are no failure.
    """
    canary = _Version(slo, CANARY, clock)
    least = f"clamp_min({canary.total()}, {minimum_events(slo)})"
    return f"{canary.bad()}\n/\n{least}\n/\n{plain(slo.budget)}"


def against_stable(slo: Slo, clock: Clock) -> str:
    """Query the canary's bad events beyond those that the stable version would have had.

    The unit is the budget of the canary's events, or the bad events that a page needs if these are
    more. A stable version without events has no bad ones.
    """
    canary, stable = (_Version(slo, version, clock) for version in (CANARY, STABLE))
    ratio = f"{stable.bad()}\n/\n({stable.total()} > 0)\nor\n{canary.zero}"
    unit = f"clamp_min({plain(slo.budget)} * {canary.total()}, {slo.minimum_bad_events})"
    return f"(\n{canary.bad()}\n-\n{canary.total()}\n* (\n{ratio}\n)\n)\n/\n{unit}"


@dataclass(frozen=True)
class _Version:
    """Events of one version in the window, as expressions of PromQL."""

    slo: Slo
    version: str
    clock: Clock

    def total(self) -> str:
        return self._count(self.slo.total)

    def bad(self) -> str:
        part = self._count(self.slo.part)
        # The rate of good events may be a hair more than that of all.
        return part if self.slo.bad else f"clamp_min({self.total()}\n-\n{part}, 0)"

    @property
    def zero(self) -> str:
        """0 if a pod of the version answers scrapes; no result otherwise."""
        up = series.targets_up(self.slo.service).removesuffix("}")
        return f"0 * sum {series.BY_TARGET} ({up}, {', '.join(self._only)}}} == 1)"

    def _count(self, source: Source) -> str:
        """Events of a source; a series that does not exist yet has counted nothing."""
        rate = events_of(self.slo.service, source, self.clock.promql(BASE_WINDOW), self._only)
        return f"({self.clock.seconds(BASE_WINDOW)} * {rate}\nor\n{self.zero})"

    @property
    def _only(self) -> Matchers:
        return (
            f'{names.ENVIRONMENT}="{{{{args.{ENVIRONMENT}}}}}"',
            f'{series.POD_TEMPLATE_HASH}="{{{{args.{self.version}}}}}"',
        )

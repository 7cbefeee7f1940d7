"""Do the selectors of SLOs pick what they should? Asked of live data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slo.coverage import picks
from slo.matchers import OneOf, quoted
from slo.measured import why_unmeasured
from slo.model import Selector, Slo, Source
from slo.prometheus import Prometheus
from slo.rules import selector
from slo.series import BY_TARGET, in_environment

_TOLERANCE: Final = 1e-9

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """One thing that live data says about an SLO; `wrong` tells that it must not be so."""

    slo: Slo
    wrong: bool
    text: str
    details: tuple[str, ...] = ()


def verify(
    server: Prometheus, slos: Sequence[Slo], environment: str, now: float, root: Path
) -> Iterator[Finding]:
    """Hold the selectors of SLOs against the series of their period.

    Args:
        server: where the services' metrics are.
        slos: the SLOs to verify.
        environment: value of the environment label.
        now: Unix time at which the period ends.
        root: the repository, whose files say which environments have a prober.

    Raises:
        PrometheusError: the server cannot be asked, or its answer cannot be relied on.
    """
    for slo in slos:
        if unmeasured := why_unmeasured(server, slo, environment, root):
            yield Finding(slo, False, unmeasured)
            continue
        yield from _Live(server, slo, environment, now - slo.period.total_seconds()).findings()


@dataclass(frozen=True)
class _Live:
    server: Prometheus
    slo: Slo
    environment: str
    since: float

    def findings(self) -> Iterator[Finding]:
        part = "bad" if self.slo.bad else "good"
        seen: dict[str, set[tuple[tuple[str, str], ...]]] = {}
        for kind, source in (("total", self.slo.total), (part, self.slo.part)):
            seen[kind] = set()
            for index, labels in enumerate(source.selectors):
                series = self._series(source, labels)
                seen[kind] |= {tuple(sorted(_without_bound(each).items())) for each in series}
                yield self._picked(f"{kind}[{index}]", source, series)
                yield from self._never(f"{kind}[{index}]", source, labels, series)
        if beyond := seen[part] - seen["total"]:
            details = tuple(sorted({_shown(self.slo.part, dict(each)) for each in beyond}))
            yield Finding(self.slo, True, f"{part} picks series that total does not", details)
        yield from self._sums(part)
        yield from self._unmentioned()

    def _series(self, source: Source, labels: Selector) -> Sequence[Labels]:
        return self.server.series([self._here(source, labels)], self.since)

    def _here(self, source: Source, labels: Selector) -> str:
        return in_environment(selector(self.slo.service, source, labels), self.environment)

    def _picked(self, which: str, source: Source, series: Sequence[Labels]) -> Finding:
        shown = tuple(sorted({_shown(source, each) for each in series}))
        return Finding(self.slo, False, f"{which} picks {len(shown)} kinds of events", shown)

    def _never(
        self, which: str, source: Source, labels: Selector, series: Sequence[Labels]
    ) -> Iterator[Finding]:
        """Tell which values were never there; wrong where their series exist from the start."""
        initial = [event for event in source.family.initial if picks(labels, event)]
        if not series:
            yield Finding(self.slo, bool(initial), f"{which} has never picked a series")
            return
        for label, matcher in labels.items():
            for value in matcher.values if isinstance(matcher, OneOf) else ():
                if not any(each.get(label, "") == value for each in series):
                    due = any(event[label] == value for event in initial)
                    text = f"{which} has never picked {label}={quoted(value)}"
                    yield Finding(self.slo, due, text)

    def _sums(self, part: str) -> Iterator[Finding]:
        """Add good and bad events, as the counters have them now."""
        whole, some = (
            " or ".join(self._here(source, labels) for labels in source.selectors)
            for source in (self.slo.total, self.slo.part)
        )
        other = f"({whole}) unless ({some})"
        if self.slo.apart:
            other = f"({whole}) - ignoring (le) ({some})"
        rest = "good" if self.slo.bad else "bad"
        found = {
            sample.metric["kind"]: sample.number
            for sample in self.server.query(
                " or ".join(
                    f'label_replace(sum {BY_TARGET} ({expr}), "kind", "{kind}", "", "")'
                    for kind, expr in (("total", whole), (part, some), (rest, other))
                )
            )
        }
        total, good, bad = (found.get(kind, 0.0) for kind in ("total", "good", "bad"))
        if not found:
            yield Finding(self.slo, True, "counts no event now: no target answers its scrape")
            return
        wrong = abs(good + bad - total) > _TOLERANCE * max(total, 1)
        sign = "is not" if wrong else "="
        yield Finding(self.slo, wrong, f"good + bad {sign} total: {good:g} + {bad:g}, {total:g}")

    def _unmentioned(self) -> Iterator[Finding]:
        """Tell which values of the labels that selectors use are in no selector."""
        total = self.slo.total
        selectors = (*total.selectors, *self.slo.part.selectors)
        every = self._series(replace(total, selectors=()), {})
        for label in dict.fromkeys(label for each in selectors for label in each):
            values = sorted({each.get(label, "") for each in every})
            if left := [
                value
                for value in values
                if not any(label not in each or each[label].accepts(value) for each in selectors)
            ]:
                listed = ", ".join(map(quoted, left))
                yield Finding(self.slo, False, f"no selector mentions {label} {listed}")


def _without_bound(labels: Labels) -> Labels:
    return {key: value for key, value in labels.items() if key not in {"le", "__name__"}}


def _shown(source: Source, labels: Labels) -> str:
    pairs = (
        f"{label}={quoted(labels[label])}" for label in source.family.values if label in labels
    )
    return f"{{{', '.join(pairs)}}}"

"""Creation time of each series: OpenMetrics' `_created`.

A Prometheus that ingests it (`--enable-feature=created-timestamp-zero-ingestion`) takes the series
as 0 at that time, so that events before the first scrape of a series are an increase.

prometheus_client tells it of the metrics of one process. Where several processes share files, each
series has a gauge beside it here, of which the earliest time is told.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric, Sample
from prometheus_client.registry import Collector

from telemetry import multiprocess
from telemetry.memoize import memoize

_SUFFIX: Final = "_created"
# Gauges count down to this Unix time, so that the greatest value is the earliest time. A process
# that has not set its gauge, because it was forked after another one had, leaves 0.
_END: Final = float(2**33)


class _Dated(Collector):
    """A base of metrics of prometheus_client: each series notes since when it counts."""

    def __init__(
        self, name: str, documentation: str, labelnames: Iterable[str] = (), **more: Any
    ) -> None:
        """Make it as prometheus_client does."""
        super().__init__(name, documentation, labelnames, **more)  # type: ignore[call-arg]
        self.label_names = tuple(labelnames)
        if not self.label_names:
            _begin(self, (), {})

    def labels(self, *labelvalues: Any, **labelkwargs: Any) -> Self:
        """Return the series of a label set."""
        series: Self = super().labels(*labelvalues, **labelkwargs)  # type: ignore[misc]
        _begin(self, labelvalues, labelkwargs)
        return series


class DatedCounter(_Dated, Counter):
    """A counter of which each series notes since when it counts."""


class DatedHistogram(_Dated, Histogram):
    """A histogram of which each series notes since when it counts."""


def _begin(metric: Any, values: tuple[Any, ...], by_name: Mapping[str, Any]) -> None:
    if multiprocess.enabled():
        ordered = values or tuple(by_name[label] for label in metric.label_names)
        (family,) = metric.describe()
        _note(family.name, metric.label_names, tuple(map(str, ordered)))


@memoize
def _note(family: str, labels: tuple[str, ...], values: tuple[str, ...]) -> None:
    """Set a series' time, unless a process that had this one's slot before has set it."""
    every = _times(family, labels)
    mine = every.labels(*values) if labels else every
    (found,) = mine.collect()
    if not found.samples[0].value:
        mine.set(_END - time.time())


@memoize
def _times(family: str, labels: tuple[str, ...]) -> Gauge:
    meaning = f"Seconds from the first use of {family} until the Unix time {_END:.0f}."
    name = family + _SUFFIX
    return Gauge(name, meaning, labels, registry=None, multiprocess_mode="max")


class Families(Collector):
    """The metrics of a collector, in the form that a format takes: with `_created`, or without.

    The plain text format has no place for it: a series per series, which Prometheus does not need.
    """

    def __init__(self, collector: Collector, *, dated: bool) -> None:
        """Say whether the format has `_created`."""
        self._collector = collector
        self._dated = dated

    def collect(self) -> Iterator[Metric]:
        """Yield the families; those of shared files get their times from the gauges beside them."""
        families = {family.name: family for family in self._collector.collect()}
        for name, family in families.items():
            counted = families.get(name.removesuffix(_SUFFIX))
            if counted is not None and counted is not family:
                continue  # the gauge beside a counted family
            times = families.get(name + _SUFFIX)
            samples = family.samples
            if not self._dated:
                samples = [each for each in samples if each.name != name + _SUFFIX]
            elif times is not None:
                samples = list(_dated(name, samples, times.samples))
            told = Metric(name, family.documentation, family.type, family.unit)
            told.samples = samples
            yield told


def _dated(name: str, samples: Iterable[Sample], times: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the samples, each label set followed by the time since which it counts."""
    since = {_key(each): _END - each.value for each in times if each.value}
    previous: Sample | None = None
    for sample in (*samples, None):
        if previous is not None and (sample is None or _key(sample) != _key(previous)):
            key = _key(previous)
            if key in since:  # not while a process is about to set it
                yield Sample(name + _SUFFIX, dict(key), since[key])
        if sample is not None:
            yield sample
        previous = sample


def _key(sample: Sample) -> frozenset[tuple[str, str]]:
    return frozenset(pair for pair in sample.labels.items() if pair[0] != "le")

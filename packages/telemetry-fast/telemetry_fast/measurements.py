"""Measurements for a histogram over OTLP, recorded many at a time."""

# ruff: noqa: SLF001 -- the SDK finds a series by its attributes each time; the test compares

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import frexp, inf
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry import context
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics._internal._view_instrument_match import _hash_attributes
from opentelemetry.sdk.metrics._internal.aggregation import (
    _ExponentialBucketHistogramAggregation,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

_AT_ONCE: Final = 64
_MOST_KNOWN: Final = 1024
_EXPONENTIAL: Final[type[Any]] = _ExponentialBucketHistogramAggregation


class _Value(NamedTuple):
    """The fields that an aggregation reads of a measurement without an exemplar."""

    value: float


class _Known(NamedTuple):
    """Where measurements of some attributes are counted."""

    storages: object
    """The readers' storages that the series belong to."""
    series: Sequence[Any]
    boundaries: Sequence[float]
    """Of the first series that has any."""


_UNKNOWN: Final = _Known(None, (), ())

# By the id of a `_Known`: the values of its series that are aggregated together.
_Together = dict[int, tuple[_Known, list[float]]]


class Measurements:
    """Keeps measurements back until there are some, or somebody collects.

    The SDK sorts and hashes a measurement's attributes each time. Between two requests that took
    30 microseconds, one after the other a third of that: its code is in the processor's cache then.
    Attributes that were there before are not hashed again: where they are counted is remembered,
    and what one exponential series counts it counts under one lock.
    An exemplar shows a trace of about that duration. Of the measurements of a series that are
    recorded together, each bucket offers one, or each power of two if buckets vary.
    """

    def __init__(self, histogram: "Histogram", meter: "Meter") -> None:
        """Record into a histogram of this meter."""
        self._histogram = histogram
        self._waiting: deque[tuple[float, Mapping[str, Any], context.Context]] = deque()
        self._known: dict[tuple[Any, ...], _Known] = {}
        self._flushing = Lock()
        # It observes nothing. Its callback is what comes before each collection.
        meter.create_observable_gauge("telemetry.collection", [self._before])

    def record(self, value: float, attributes: Mapping[str, Any]) -> None:
        """Take a measurement of the current context; its attributes are not to change any more."""
        self._waiting.append((value, attributes, context.get_current()))
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Record what is waiting."""
        # A proxy stands for the real one, once there is a provider.
        histogram = getattr(self._histogram, "_real_instrument", None) or self._histogram
        together: _Together = {}
        with self._flushing:  # who collects waits for what another thread has taken
            take = self._takes(histogram, together)
            try:
                while self._waiting:
                    taken = self._waiting.popleft()
                    if not take(*taken):
                        histogram.record(*taken)
            finally:
                for found, values in together.values():
                    for one in found.series:
                        _aggregate(one, iter(values))

    def _takes(self, histogram: "Histogram", together: "_Together") -> Callable[..., bool]:
        """Return what takes a measurement of a series that is known, and else says no."""
        if not isinstance(histogram, SdkHistogram) or not histogram._is_enabled():
            return lambda *_: False
        consumer: Any = histogram._measurement_consumer
        is_sampled = consumer._sdk_config.exemplar_filter.should_sample
        known, now = self._known, time.time_ns()
        offered: set[tuple[int, int]] = set()

        def take(value: float, attributes: Mapping[str, Any], around: context.Context) -> bool:
            if not 0 <= value < inf:
                return False  # the SDK refuses it aloud
            key = (*attributes, *attributes.values())
            found = known.get(key, _UNKNOWN)
            # Replaced, never changed, when a reader comes or goes.
            if found.storages is not consumer._reader_storages:
                self._learn(histogram, consumer._reader_storages, key, attributes)
                return False
            bounds, number = found.boundaries, id(found)
            together.setdefault(number, (found, []))[1].append(value)
            about = (number, bisect_left(bounds, value) if bounds else frexp(value)[1])
            if about not in offered and is_sampled(value, now, attributes, around):
                offered.add(about)
                for one in found.series:
                    one._reservoir.offer(value, now, attributes, around)
            return True

        return take

    def _learn(
        self, histogram: SdkHistogram, storages: Any, key: Any, attributes: Mapping[str, Any]
    ) -> None:
        """Remember the series of some attributes, if they have been there before."""
        hashed = _hash_attributes(attributes)
        matches = [
            match
            for storage in storages.values()
            for match in storage._get_or_init_view_instrument_match(histogram)
        ]
        series = [match._attributes_aggregation.get(hashed) for match in matches]
        if all(series) and len(self._known) < _MOST_KNOWN:
            bounded = [found for one in series if (found := getattr(one, "_boundaries", None))]
            self._known[key] = _Known(storages, series, bounded[0] if bounded else ())

    def _before(self, _: "CallbackOptions") -> "tuple[Observation, ...]":
        self.flush()
        return ()


def _aggregate(series: Any, values: Iterator[float]) -> None:
    """Let a series count values without exemplars."""
    while (other := _in_buckets(series, values)) is not None:
        series.aggregate(_Value(other), False)


def _in_buckets(series: Any, values: Iterator[float]) -> float | None:
    """Count values in the buckets that an exponential series has, as it would one by one.

    Returns:
        The first value that is not in any of them, or of another kind of series; None if none is
        left.
    """
    if type(series) is not _EXPONENTIAL:
        return next(values, None)
    with series._lock:
        buckets = series._value_positive
        if buckets is None or len(buckets) == 0:  # none since the last collection
            return next(values, None)
        counts, base = buckets.counts, buckets.index_base
        first, last = buckets.index_start, buckets.index_end
        index_of, other = series._mapping.map_to_index, None
        counted: list[float] = []
        for value in values:
            index = index_of(value) if value > 0 else first - 1
            if not first <= index <= last:
                other = value
                break
            counts[index - base] += 1  # below the base, from the end: they go around
            counted.append(value)
        series._count += len(counted)
        for value in counted:  # from Python 3.12 on, sum() of them would be another number
            series._sum += value
        if series._record_min_max:
            series._min = min((series._min, *counted))
            series._max = max((series._max, *counted))
    return other

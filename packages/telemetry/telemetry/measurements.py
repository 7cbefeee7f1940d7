"""Measurements for a histogram over OTLP, recorded many at a time."""

# ruff: noqa: SLF001 -- the SDK finds a series by its attributes each time; the test compares

import time
from collections import deque
from collections.abc import Mapping
from math import frexp
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry import context
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics._internal._view_instrument_match import _hash_attributes

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

_AT_ONCE: Final = 64
_MOST_KNOWN: Final = 1024


class _Measurement(NamedTuple):
    """What an aggregation reads of the SDK's measurement."""

    value: float
    time_unix_nano: int
    attributes: Mapping[str, Any]
    context: context.Context


class Measurements:
    """Keeps measurements back until there are some, or somebody collects.

    The SDK sorts and hashes a measurement's attributes each time. Between two requests that took
    30 microseconds, one after the other a third of that: its code is in the processor's cache then.
    Attributes that were there before are not hashed again: where they are counted is remembered.
    An exemplar is there to show a trace of about such a duration: of the measurements of a series
    that are recorded at once, one is offered of each power of two.
    """

    def __init__(self, histogram: "Histogram", meter: "Meter") -> None:
        """Record into a histogram of this meter."""
        self._histogram = histogram
        self._waiting: deque[tuple[float, Mapping[str, Any], context.Context]] = deque()
        self._known: dict[tuple[Any, ...], tuple[object, list[Any]]] = {}
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
        own = histogram if isinstance(histogram, SdkHistogram) else None
        offered: set[tuple[int, int]] = set()
        try:
            while True:
                taken = self._waiting.popleft()
                if own is None or not own._is_enabled() or not self._count(own, offered, *taken):
                    histogram.record(*taken)
        except IndexError:
            return

    def _count(
        self,
        histogram: SdkHistogram,
        offered: set[tuple[int, int]],
        value: float,
        attributes: Mapping[str, Any],
        around: context.Context,
    ) -> bool:
        """Count a measurement in the series of its attributes; say whether they are known."""
        consumer: Any = histogram._measurement_consumer
        # Replaced, never changed, when a reader comes or goes.
        storages = consumer._reader_storages
        key = (*attributes, *attributes.values())
        known_with, series = self._known.get(key, (None, []))
        if known_with is not storages:
            self._learn(histogram, storages, key, attributes)
            return False
        now = time.time_ns()
        about = (id(series), frexp(value)[1])
        is_wanted = about not in offered and consumer._sdk_config.exemplar_filter.should_sample(
            value, now, attributes, around
        )
        if is_wanted:
            offered.add(about)
        measurement = _Measurement(value, now, attributes, around)
        for one in series:
            one.aggregate(measurement, is_wanted)
        return True

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
            self._known[key] = (storages, series)

    def _before(self, _: "CallbackOptions") -> "tuple[Observation, ...]":
        self.flush()
        return ()

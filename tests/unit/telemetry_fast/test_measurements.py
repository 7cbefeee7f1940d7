import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from opentelemetry import metrics, trace
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    InMemoryMetricReader,
)
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from telemetry_fast.measurements import Measurements


def meter() -> tuple[InMemoryMetricReader, Measurements]:
    reader = InMemoryMetricReader()
    made = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    return reader, Measurements(made.create_histogram("duration"), made)


def collected(reader: InMemoryMetricReader) -> list[HistogramDataPoint]:
    """Return the points of each collected metric, which is the histogram and nothing else."""
    data = reader.get_metrics_data()
    metrics = [
        metric
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    assert {metric.name for metric in metrics} <= {"duration"}
    return [
        point
        for metric in metrics
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    ]


def test_each_measurement_is_there_when_somebody_collects_however_few_or_many_there_are() -> None:
    reader, durations = meter()
    for number in range(1, 200):
        durations.record(1.0, {"a": "b"})
        if number in {1, 63, 64, 65, 199}:
            (point,) = collected(reader)
            assert (point.count, point.sum, point.attributes) == (number, number, {"a": "b"})


def test_where_nothing_was_measured_nothing_is_collected() -> None:
    reader, _ = meter()
    assert collected(reader) == []


def test_an_exemplar_is_of_the_trace_that_was_measured_not_of_the_one_that_collects() -> None:
    reader, durations = meter()
    measured = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(measured)):
        durations.record(1.0, {})
    (point,) = collected(reader)
    assert [exemplar.trace_id for exemplar in point.exemplars] == [1]


@pytest.mark.parametrize(
    ("aggregation", "shown"),
    [
        (ExplicitBucketHistogramAggregation((1, 4.5, 5)), {1: 1.0, 2: 4.3, 3: 4.8, 6: 3000.0}),
        (ExponentialBucketHistogramAggregation(), {1: 1.0, 2: 4.3, 4: 0.99, 6: 3000.0}),
    ],
)
def test_each_bucket_or_power_of_two_has_an_exemplar(
    aggregation: Aggregation, shown: dict[int, float]
) -> None:
    reader = InMemoryMetricReader()
    views = [View(instrument_name="*", aggregation=aggregation)]
    made = MeterProvider([reader], views=views, shutdown_on_exit=False).get_meter("test")
    durations = Measurements(made.create_histogram("duration"), made)
    durations.record(1.0, {})
    durations.record(1.0, {})
    reader.collect()  # from here on the series is known
    for number, value in enumerate((1.0, 4.3, 4.8, 0.99, 4.4, 3000.0), start=1):
        measured = trace.SpanContext(number, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
        with trace.use_span(trace.NonRecordingSpan(measured)):
            durations.record(value, {})
    assert dict(exemplars(reader)) == shown


def exemplars(reader: InMemoryMetricReader) -> Iterator[tuple[int | None, float]]:
    """Yield trace and value of each exemplar."""
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for metric in resource.scope_metrics[0].metrics:
            for point in metric.data.data_points:
                for exemplar in point.exemplars or ():
                    yield exemplar.trace_id, exemplar.value


def test_a_trace_that_is_not_kept_takes_no_exemplars_place() -> None:
    reader, durations = meter()
    durations.record(1.0, {})
    durations.record(1.0, {})
    collected(reader)
    for number in (0, 1):
        flags = trace.TraceFlags(number)
        measured = trace.SpanContext(number + 1, 2, is_remote=False, trace_flags=flags)
        with trace.use_span(trace.NonRecordingSpan(measured)):
            durations.record(1.0, {})
    (point,) = collected(reader)
    assert [exemplar.trace_id for exemplar in point.exemplars] == [2]


VIEWS = {
    "default": (),
    "exponential": (
        View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation()),
    ),
    "no extremes": (
        View(
            instrument_name="*",
            aggregation=ExponentialBucketHistogramAggregation(record_min_max=False),
        ),
    ),
    "fewer attributes": (View(instrument_name="duration", attribute_keys={"route"}),),
    "dropped": (View(instrument_name="duration", aggregation=DropAggregation()),),
    "two": (
        View(instrument_name="duration", name="one"),
        View(
            instrument_name="duration",
            name="other",
            aggregation=ExponentialBucketHistogramAggregation(),
        ),
    ),
}
MEASURED: list[tuple[float, dict[str, Any]]] = [
    (0.001 * number, {"route": "/ports" if number % 3 else "/ready", "status": 200 + number % 2})
    for number in range(400)
]


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize(
    "temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA]
)
def test_measurements_equal_the_sdks_for_any_views(
    views: str, temporality: AggregationTemporality
) -> None:
    def told(*, batched: bool) -> list[Any]:
        """Return what two readers collect, the second of which comes later."""
        wanted = {SdkHistogram: temporality}
        reader, later = (InMemoryMetricReader(preferred_temporality=wanted) for _ in range(2))  # type: ignore[arg-type]
        provider = MeterProvider([reader], views=VIEWS[views], shutdown_on_exit=False)
        made = provider.get_meter("test")
        histogram = made.create_histogram("duration")
        record = Measurements(histogram, made).record if batched else histogram.record
        found = []
        for number, (value, attributes) in enumerate(MEASURED):
            record(value, attributes)
            if number in {150, 200, 399}:
                found.append(collected_of(reader))
            if number == 200:
                provider.add_metric_reader(later)
        return [*found, collected_of(later)]

    assert told(batched=True) == told(batched=False)


@given(
    values=some.lists(some.floats() | some.floats(0.001, 10.0), max_size=200),
    collections=some.sets(some.integers(0, 200), max_size=4),
)
def test_exponential_buckets_equal_the_sdks_for_any_values(
    values: list[float], collections: set[int]
) -> None:
    def told(*, batched: bool) -> list[Any]:
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], views=VIEWS["exponential"], shutdown_on_exit=False)
        made = provider.get_meter("test")
        histogram = made.create_histogram("duration")
        record = Measurements(histogram, made).record if batched else histogram.record
        found = []
        for number, value in enumerate(values):
            record(value, {})
            if number in collections:
                found.append(collected_of(reader))
        return [*found, collected_of(reader)]

    assert told(batched=True) == told(batched=False)


def collected_of(reader: InMemoryMetricReader) -> list[Any]:
    """Return what was collected, less its times and what a reservoir picked."""
    data = reader.get_metrics_data()
    found = []
    for resource in json.loads(data.to_json())["resource_metrics"] if data else ():
        for scope in resource["scope_metrics"]:
            for metric in scope["metrics"]:
                for point in metric["data"]["data_points"]:
                    for varying in ("start_time_unix_nano", "time_unix_nano", "exemplars"):
                        del point[varying]
                found.append(metric)
    return found


def test_a_known_series_does_not_call_the_sdk_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, durations = meter()
    durations.record(1.0, {"a": "b"})
    durations.record(1.0, {"a": "b"})
    durations.flush()
    monkeypatch.setattr(SdkHistogram, "record", lambda *_: pytest.fail("asked"))
    durations.record(1.0, {"a": "b"})
    assert [point.count for point in collected(reader)] == [3]


def test_a_provider_that_comes_later_gets_what_is_measured_from_then_on() -> None:
    reader = InMemoryMetricReader()

    class Proxy:
        """As the API's stands for a histogram until there is a provider."""

        _real_instrument: Histogram | None = None

        def record(self, *_: object) -> None: ...

    proxy, nothing = Proxy(), metrics.NoOpMeterProvider().get_meter("test")
    durations = Measurements(proxy, nothing)  # type: ignore[arg-type]
    durations.record(1.0, {})
    durations.flush()
    real: Meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    proxy._real_instrument = real.create_histogram("duration")
    for _ in range(3):
        durations.record(1.0, {})
    durations.flush()
    assert [point.count for point in collected(reader)] == [3]

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from telemetry.measurements import Measurements


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

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common import trace_encoder
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue
from telemetry import names
from telemetry_fast import otlp
from telemetry_fast import spans as lean

RESOURCE = Resource({"service.name": "harbour", "numbers": (1, 2)}, "https://schema.example")
SCOPE = TracerProvider(shutdown_on_exit=False).get_tracer("scope", "1")

_OFFICIAL = otlp._official


class _Ids(IdGenerator):
    def generate_span_id(self) -> int:
        return 2**63 + 1

    def generate_trace_id(self) -> int:
        return 2**127 + 1


texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=300)
integers = some.integers(-(2**63), 2**63 - 1)
scalars = some.one_of(texts, some.booleans(), integers, some.floats(allow_nan=False))
values = some.one_of(scalars, some.lists(texts, max_size=3), some.lists(integers, max_size=3))


@some.composite
def contexts(draw: some.DrawFn) -> SpanContext:
    return SpanContext(
        draw(some.integers(1, 2**128 - 1)),
        draw(some.integers(1, 2**64 - 1)),
        is_remote=draw(some.booleans()),
        trace_flags=TraceFlags(draw(some.sampled_from((0, 1, 3)))),
        trace_state=draw(some.sampled_from((TraceState(), TraceState([("vendor", "x")])))),
    )


@some.composite
def spans(draw: some.DrawFn) -> ReadableSpan:
    # Hypothesis wants no randomness but its own.
    provider = TracerProvider(ALWAYS_ON, RESOURCE, shutdown_on_exit=False, id_generator=_Ids())
    parent = draw(some.none() | contexts())
    around = None
    if parent is not None:
        around = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    links = [trace.Link(context, {"a": 1}) for context in draw(some.lists(contexts(), max_size=2))]
    span = provider.get_tracer(draw(some.sampled_from(("one", "other"))), "1.2").start_span(
        draw(texts),
        around,
        kind=draw(some.sampled_from(SpanKind)),
        attributes=draw(some.dictionaries(texts.filter(bool), values, max_size=4)),
        links=links,
        start_time=draw(some.integers(0, 2**64 - 1)),
    )
    if draw(some.booleans()):
        span.add_event(draw(texts), {"b": draw(values)})
    status = draw(some.sampled_from(StatusCode))
    span.set_status(Status(status, "why" if status is StatusCode.ERROR else None))
    span.end(draw(some.integers(0, 2**64 - 1)))
    assert isinstance(span, ReadableSpan)
    return span


def official(batch: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    return trace_encoder.encode_spans(batch)


def shape(request: ExportTraceServiceRequest) -> dict[tuple[bytes, bytes], list[bytes]]:
    """Return the spans, each in a fixed form, by their resource and scope."""
    found: dict[tuple[bytes, bytes], list[bytes]] = {}
    for resource in request.resource_spans:
        about = resource.resource.SerializeToString(deterministic=True)
        for scope in resource.scope_spans:
            key = about + resource.schema_url.encode(), scope.scope.SerializeToString()
            found.setdefault(key, []).extend(
                span.SerializeToString(deterministic=True) for span in scope.spans
            )
    return found


@given(some.lists(spans(), min_size=1, max_size=5))
def test_any_spans_are_what_the_official_encoder_makes_of_them(batch: list[ReadableSpan]) -> None:
    encoded = otlp.encode_spans(batch).SerializePartialToString()
    assert shape(ExportTraceServiceRequest.FromString(encoded)) == shape(official(batch))


@given(spans(), some.integers(min_value=15, max_value=50))
@settings(max_examples=20)
def test_many_spans_are_encoded_like_few(span: ReadableSpan, count: int) -> None:
    encoded = otlp.encode_spans([span] * count).SerializePartialToString()
    assert shape(ExportTraceServiceRequest.FromString(encoded)) == shape(official([span] * count))


def test_the_encoder_yields_to_other_threads_regularly(
    queue: tuple[lean.LeanTracer, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer, waiting = queue
    with SCOPE.start_as_current_span("an instrumentation's") as other:
        pass
    for _ in range(3):
        tracer.start_span("x").end()
    breaks: list[float] = []
    monkeypatch.setattr("telemetry_fast.otlp.time.sleep", breaks.append)
    otlp.encode_spans([one for _ in range(32) for one in (*waiting, other)])
    assert breaks == [0, 0]


@pytest.mark.parametrize("attributes", [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": "1"}])
def test_equal_values_of_different_types_stay_apart(
    attributes: Mapping[str, AttributeValue],
) -> None:
    with SCOPE.start_as_current_span("x", attributes=attributes) as span:
        pass
    assert isinstance(span, ReadableSpan)
    encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans([span]))
    assert shape(encoded) == shape(official([span]))


@pytest.mark.parametrize("value", ["\ud800", 2**63, -(2**63) - 1])
def test_a_value_that_cannot_be_written_costs_itself_and_no_other_span(
    value: AttributeValue,
) -> None:
    with SCOPE.start_as_current_span("x", attributes={"a": value, "b": 1}) as broken:
        pass
    with SCOPE.start_as_current_span("y") as whole:
        pass
    assert isinstance(broken, ReadableSpan)
    assert isinstance(whole, ReadableSpan)
    batch = [broken, whole]
    encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans(batch))
    assert shape(encoded) == shape(official(batch))
    ((_, both),) = shape(encoded).items()
    assert len(both) == 2


def test_the_encoders_memory_is_bounded_in_number_and_length() -> None:
    otlp._remembered.clear()
    largest = 0
    for number in range(3000):
        attributes = {"n": str(number), "long": "x" * 300, names.ATTR_REQUEST_ID: str(number)}
        with SCOPE.start_as_current_span("x", attributes=attributes) as span:
            pass
        assert isinstance(span, ReadableSpan)
        otlp.encode_spans([span])
        largest = max(largest, len(otlp._remembered))
    assert largest == otlp._REMEMBERED
    assert {key for key, _ in otlp._remembered} == {"n"}


@pytest.mark.parametrize("equal", [*itertools.permutations((0.0, -0.0, 0, False))])
def test_equal_values_stay_apart_whichever_comes_first(equal: tuple[AttributeValue, ...]) -> None:
    for value in equal:
        with SCOPE.start_as_current_span("x", attributes={"equal": value}) as span:
            pass
        assert isinstance(span, ReadableSpan)
        encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans([span]))
        assert shape(encoded) == shape(official([span]))


def test_resource_and_scope_are_encoded_once_and_a_bounded_number_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[ReadableSpan] = []
    monkeypatch.setattr(otlp, "_frames", {})

    def ask(span: ReadableSpan) -> Any:
        asked.append(span)
        return _OFFICIAL(span)

    monkeypatch.setattr(otlp, "_official", ask)
    for number in range(2 * otlp._MOST_FRAMES):
        provider = TracerProvider(resource=Resource({"n": number}), shutdown_on_exit=False)
        with provider.get_tracer("scope").start_as_current_span("x") as span:
            pass
        assert isinstance(span, ReadableSpan)
        for _ in range(2):
            encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans([span]))
            assert shape(encoded) == shape(official([span]))
        assert len(asked) == number + 1
        assert len(otlp._frames) <= otlp._MOST_FRAMES


@given(some.dictionaries(texts.filter(bool), values, max_size=4))
def test_a_lean_span_is_what_the_official_encoder_makes_of_it(
    attributes: dict[str, AttributeValue],
) -> None:
    tracer = lean.lean(SCOPE)
    assert tracer is not None
    span = tracer.start_span("x", attributes={**attributes, names.ATTR_REQUEST_ID: "1"})
    span.end()
    assert isinstance(span, lean.LeanSpan)
    encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans([span]))
    assert shape(encoded) == shape(official([span]))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[lean.LeanTracer, Any]]:
    """A lean tracer, and the queue of a provider that exports by HTTP with our encoder."""
    monkeypatch.setattr(trace_exporter, "encode_spans", otlp.encode_spans)
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    exporter = trace_exporter.OTLPSpanExporter("http://127.0.0.1:9/v1/traces")
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=600_000)
    provider.add_span_processor(processor)
    tracer = lean.lean(provider.get_tracer("telemetry"))
    assert tracer is not None
    waiting = processor._batch_processor._queue
    yield tracer, waiting
    waiting.clear()
    processor.shutdown()


def test_a_span_for_our_encoder_is_encoded_when_it_ends_and_exported_as_any(
    queue: tuple[lean.LeanTracer, Any],
) -> None:
    tracer, waiting = queue
    ended = []
    for number in range(3):
        span = tracer.start_span(f"n{number}", attributes={"number": number})
        span.end()
        ended.append(span)
    with SCOPE.start_as_current_span("an instrumentation's") as other:
        pass
    assert isinstance(other, ReadableSpan)
    assert {type(one) for one in waiting} == {otlp.Ready}
    encoded = ExportTraceServiceRequest.FromString(otlp.encode_spans([*reversed(waiting), other]))
    assert shape(encoded) == shape(official([*ended, other]))  # type: ignore[list-item]


def test_a_span_that_cannot_be_encoded_costs_no_request(
    queue: tuple[lean.LeanTracer, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer, waiting = queue
    monkeypatch.setattr(otlp, "_span", lambda _: 1 // 0)
    span = tracer.start_span("x")
    span.end()
    assert list(waiting) == [span]

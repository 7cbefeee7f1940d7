import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from telemetry_fast import spans

REMOTE = SpanContext(
    7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")])
)
UNSAMPLED = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0))


class Choosy(sampling.Sampler):
    """Looks at a span's attributes, adds one, and records without sampling what it is not told of.

    It stands for whatever somebody writes.
    """

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: TraceState | None = None,
    ) -> sampling.SamplingResult:
        del parent_context, trace_id, name, kind, links, trace_state  # it cares for none of them
        decision = sampling.Decision.RECORD_ONLY
        if attributes and "text" in attributes:
            decision = sampling.Decision.RECORD_AND_SAMPLE
        return sampling.SamplingResult(
            decision, {**(attributes or {}), "by": "choosy"}, TraceState([("chosen", "yes")])
        )

    def get_description(self) -> str:
        return "choosy"


SAMPLERS = (
    sampling.DEFAULT_ON,
    sampling.DEFAULT_OFF,
    sampling.ALWAYS_ON,
    sampling.ALWAYS_OFF,
    sampling.TraceIdRatioBased(0.0),
    sampling.TraceIdRatioBased(1.0),
    sampling.ParentBasedTraceIdRatio(0.0),
    sampling.ParentBasedTraceIdRatio(1.0),
    Choosy(),
    sampling.ParentBased(Choosy()),
    sampling.ParentBased(sampling.ALWAYS_ON, remote_parent_sampled=sampling.ALWAYS_OFF),
    sampling.ParentBased(sampling.ALWAYS_ON, local_parent_sampled=sampling.ALWAYS_OFF),
)


class Ids(RandomIdGenerator):
    def __init__(self) -> None:
        self._last = 100

    def generate_span_id(self) -> int:
        self._last += 1
        return self._last

    def generate_trace_id(self) -> int:
        return 2**100


def made(
    sampler: sampling.Sampler, work: Callable[[Any], object], *, lean: bool
) -> list[dict[str, Any]]:
    """Return the spans that were exported, less what a clock or a stack says."""
    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider(sampler, id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("telemetry")
    assert isinstance(tracer, sdk.Tracer)
    work(spans.LeanTracer(tracer) if lean else tracer)
    found = []
    for span in exporter.get_finished_spans():
        assert isinstance(span, spans.LeanSpan) == lean
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time
        told = json.loads(span.to_json())
        del told["start_time"], told["end_time"]
        for event in told["events"]:
            del event["timestamp"]
            event["attributes"].pop("exception.stacktrace", None)
        context = span.get_span_context()
        assert context is not None
        found.append({**told, "flags": context.trace_flags, "scope": span.instrumentation_scope})
    return found


def below(
    parent: SpanContext | None, *, attributes: dict[str, Any] | None = None
) -> Callable[[Any], None]:
    """Return work that makes a server span, and another one within."""

    def work(tracer: Any) -> None:
        around = trace.set_span_in_context(
            trace.INVALID_SPAN if parent is None else trace.NonRecordingSpan(parent)
        )
        server = tracer.start_span("GET", around, kind=SpanKind.SERVER, attributes=attributes)
        with trace.use_span(server, end_on_exit=True):
            inner = tracer.start_span("inner", attributes={"a": 1})
            inner.end()
        assert not server.is_recording()

    return work


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description()[:60])
@pytest.mark.parametrize("parent", [None, REMOTE, UNSAMPLED], ids=["root", "remote", "unsampled"])
def test_the_same_spans_are_kept_below_any_parent_by_any_sampler(
    sampler: sampling.Sampler, parent: SpanContext | None
) -> None:
    work = below(parent, attributes={"text": "x"})
    assert made(sampler, work, lean=True) == made(sampler, work, lean=False)


def test_lean_spans_equal_the_sdks_after_any_operation() -> None:
    def work(tracer: Any) -> None:
        span = tracer.start_span("first", attributes={"list": ["a", "b"], "none": None})
        span.set_attribute("number", 1)
        span.set_attributes({"number": 2.5, "odd": ("x", 1)})
        span.add_event("seen", {"where": "here"})
        span.add_link(REMOTE, {"why": "because"})
        span.record_exception(ValueError("broken"))
        span.set_status(StatusCode.ERROR, "broken")
        span.update_name("second")
        span.end()

    (one,) = made(sampling.ALWAYS_ON, work, lean=True)
    assert [one] == made(sampling.ALWAYS_ON, work, lean=False)
    assert one["name"] == "second"
    assert len(one["events"]) == 2


def test_a_span_that_has_ended_does_not_change() -> None:
    kept: list[Any] = []

    def work(tracer: Any) -> None:
        span = tracer.start_span("x", attributes={"a": 1})
        span.end()
        kept.extend([span, span.end_time])
        span.set_attribute("a", 2)
        span.set_attributes({"b": 2})
        span.add_event("late")
        span.update_name("late")
        span.set_status(StatusCode.ERROR)
        span.end()

    assert made(sampling.ALWAYS_ON, work, lean=False) == made(sampling.ALWAYS_ON, work, lean=True)
    *_, span, ended = kept
    assert (span.name, dict(span.attributes), span.end_time) == ("x", {"a": 1}, ended)
    assert span.status.is_unset
    assert not span.events


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10"),
        ("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true"),
        ("", ""),
    ],
)
def test_span_limits_or_sdk_metrics_select_the_sdks_spans(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, value)
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    found = spans.lean(provider.get_tracer("telemetry"))
    assert isinstance(found, spans.LeanTracer) == (not variable)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description()[:60])
@pytest.mark.parametrize("parent", [None, REMOTE, UNSAMPLED], ids=["root", "remote", "unsampled"])
def test_attributes_that_are_made_when_needed_are_the_same(
    sampler: sampling.Sampler, parent: SpanContext | None
) -> None:
    given: Any = {"text": "x"}
    late: Any = lambda: given  # noqa: E731
    assert made(sampler, below(parent, attributes=late), lean=True) == made(
        sampler, below(parent, attributes=given), lean=False
    )


@given(
    rate=some.floats(0, 1),
    high=some.integers(0, 2**64 - 1),
    low=some.sampled_from((-1, 0, 1)) | some.integers(0, 2**64 - 1),
)
def test_a_trace_that_begins_is_sampled_as_the_ratio_sampler_would_say(
    rate: float, high: int, low: int
) -> None:
    class Id(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return trace_id

    sampler = sampling.TraceIdRatioBased(rate)
    # Its bound is where it is easy to be wrong.
    trace_id = high << 64 | (low + (sampler.bound if low < 2 else 0)) % 2**64 or 1
    provider = sdk.TracerProvider(sampler, id_generator=Id(), shutdown_on_exit=False)
    tracer = spans.lean(provider.get_tracer("telemetry"))
    assert tracer is not None
    context = tracer.start_span("x").get_span_context()
    decided = sampler.should_sample(None, trace_id, "x").decision
    assert (context.trace_id, context.trace_flags.sampled) == (trace_id, decided.is_sampled())


def test_attributes_of_a_span_that_nobody_keeps_are_not_made() -> None:
    def work(tracer: Any) -> None:
        tracer.start_span("GET", attributes=lambda: pytest.fail("made")).end()

    assert made(sampling.DEFAULT_OFF, work, lean=True) == []
    assert made(sampling.ParentBasedTraceIdRatio(0.0), work, lean=True) == []


class Batches:
    """A provider with a batch processor, as most have, and what it exported."""

    def __init__(self, **limits: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = sdk.TracerProvider(shutdown_on_exit=False)
        self.processor = BatchSpanProcessor(self.exporter, schedule_delay_millis=60_000, **limits)
        self.provider.add_span_processor(self.processor)
        self.tracer = spans.LeanTracer(self.provider.get_tracer("telemetry"))  # type: ignore[arg-type]

    def names(self) -> list[str]:
        self.processor.force_flush()
        return [span.name for span in self.exporter.get_finished_spans()]


def test_a_batch_processor_gets_each_span_once_and_in_order() -> None:
    batches = Batches()
    for number in range(5):
        batches.tracer.start_span(str(number)).end()
    assert batches.names() == ["0", "1", "2", "3", "4"]


def test_a_batch_that_is_full_wakes_its_exporter() -> None:
    batches = Batches(max_export_batch_size=4, max_queue_size=8)
    for number in range(4):
        batches.tracer.start_span(str(number)).end()
    deadline = time.monotonic() + 10
    while len(batches.exporter.get_finished_spans()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_span_that_is_recorded_and_not_sampled_is_not_exported() -> None:
    batches = Batches()
    batches.provider.sampler = Choosy()
    tracer = spans.LeanTracer(batches.provider.get_tracer("other"))  # type: ignore[arg-type]
    tracer.start_span("dropped", attributes={"number": 1}).end()
    tracer.start_span("kept", attributes={"text": "x"}).end()
    assert batches.names() == ["kept"]


def test_a_processor_that_comes_later_sees_spans_too() -> None:
    batches, later = Batches(), InMemorySpanExporter()
    batches.tracer.start_span("first").end()
    batches.provider.add_span_processor(SimpleSpanProcessor(later))
    batches.tracer.start_span("second").end()
    assert batches.names() == ["first", "second"]
    assert [span.name for span in later.get_finished_spans()] == ["second"]


def test_a_processor_that_has_been_shut_down_takes_nothing() -> None:
    batches = Batches()
    batches.tracer.start_span("first").end()
    batches.processor.shutdown()
    batches.tracer.start_span("second").end()
    assert [span.name for span in batches.exporter.get_finished_spans()] == ["first"]
    assert not batches.processor._batch_processor._queue

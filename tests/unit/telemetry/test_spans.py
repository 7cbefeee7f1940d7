import json
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from telemetry import spans

REMOTE = SpanContext(
    7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")])
)
UNSAMPLED = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0))
SAMPLERS = (
    sampling.DEFAULT_ON,
    sampling.DEFAULT_OFF,
    sampling.ALWAYS_ON,
    sampling.ALWAYS_OFF,
    sampling.TraceIdRatioBased(0.0),
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


def test_whatever_is_done_to_a_span_it_is_the_same() -> None:
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
def test_where_limits_or_the_sdks_own_metrics_are_asked_for_spans_are_the_sdks(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, value)
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    found = spans.lean(provider.get_tracer("telemetry"))
    assert isinstance(found, spans.LeanTracer) == (not variable)

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import accelerator
from telemetry import spans as stock
from telemetry_fast import spans


@pytest.mark.parametrize("fast", ["true", "false"])
@pytest.mark.parametrize("limit", ["", "2"])
def test_the_starter_makes_child_spans_with_any_tracer(
    monkeypatch: pytest.MonkeyPatch, limit: str, fast: str
) -> None:
    monkeypatch.setenv(accelerator.WANTED, fast)
    monkeypatch.setattr(accelerator, "load", accelerator.load.__wrapped__)
    if limit:
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", limit)
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    starter = stock.starter(provider.get_tracer("telemetry"))
    assert isinstance(starter, spans.LeanTracer) == (not limit and fast == "true")
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    above = trace.NonRecordingSpan(trace.SpanContext(7, 8, is_remote=True, trace_flags=flags))
    context = trace.set_span_in_context(above)
    server = starter.start_below(above, "GET", lambda: {"a": 1}, trace.SpanKind.SERVER, context)
    server.end()
    with trace.use_span(server):
        starter.start_below(server, "get", {"b": 2}).end()
    outer, inner = exporter.get_finished_spans()
    assert outer.parent == above.get_span_context()
    assert inner.parent == server.get_span_context()
    assert [(span.kind, dict(span.attributes or {})) for span in (outer, inner)] == [
        (trace.SpanKind.SERVER, {"a": 1}),
        (trace.SpanKind.INTERNAL, {"b": 2}),
    ]

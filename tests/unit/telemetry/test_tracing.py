import os

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import spans, tracing

VARIABLES = ("ENDPOINT", "TRACES_ENDPOINT", "METRICS_ENDPOINT")


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", "")
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"):
        monkeypatch.setenv(name, "")


def chosen(monkeypatch: pytest.MonkeyPatch, **given: str) -> tuple[bool, str, str]:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    exporting = tracing._choose_exporters()
    return (
        exporting,
        os.environ["OTEL_TRACES_EXPORTER"],
        os.environ["OTEL_METRICS_EXPORTER"],
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (False, "", "")),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, (True, "otlp", "otlp")),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, (True, "otlp", "")),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"}, (False, "", "otlp")),
        ({"OTEL_TRACES_EXPORTER": "console"}, (True, "console", "")),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
            (False, "none", "otlp"),
        ),
    ],
)
def test_an_exporter_is_chosen_only_where_somebody_said_where_to(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: tuple[bool, str, str]
) -> None:
    assert chosen(monkeypatch, **given) == expected


def test_without_a_provider_there_is_no_trace_and_a_span_does_nothing() -> None:
    with tracing.span("x", {"a": 1}):
        assert tracing.trace_id() is None
        tracing.record_exception(ValueError("nobody records this"))


@pytest.mark.parametrize("limit", ["", "2"])
def test_whatever_the_tracer_it_starts_a_span_below_the_one_above(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    if limit:
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", limit)
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    starter = tracing.lean(provider.get_tracer("telemetry"))
    assert isinstance(starter, spans.LeanTracer) == (not limit)
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

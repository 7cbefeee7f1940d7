from telemetry import current, tracing


def test_without_a_provider_there_is_no_trace_and_a_span_does_nothing() -> None:
    with tracing.span("x", {"a": 1}):
        assert current.trace_id() is None
        tracing.record_exception(ValueError("nobody records this"))

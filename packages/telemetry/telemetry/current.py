"""The IDs of the current span."""


def ids() -> tuple[str, str] | None:
    """Return trace id and span id of the current span in hexadecimal, or None without one."""
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)


def trace_id() -> str | None:
    """Return the current trace id as 32 hexadecimal digits, or None without a trace."""
    found = ids()
    return found[0] if found else None

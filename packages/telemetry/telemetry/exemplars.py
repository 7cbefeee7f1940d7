"""Exemplars of the histogram: only requests whose traces the Collector keeps."""

from typing import TYPE_CHECKING, Any

from telemetry import multiprocess, names

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_NANOSECONDS = 1e9
_SAMPLED = 1  # https://www.w3.org/TR/trace-context/#sampled-flag

_selective = False


def keep(*, only_what_tail_sampling_keeps: bool) -> None:
    """Say whether the Collector keeps every trace, or only errors and slow ones."""
    global _selective  # noqa: PLW0603 -- set once, by the server's configuration
    _selective = only_what_tail_sampling_keeps


def of(span: "Span | None") -> dict[str, str] | None:
    """Return the exemplar for a request with this (ended) server span, if it may have one.

    The multiprocess mode has no place for exemplars.
    """
    if span is None:
        return None
    # A tuple: its properties would be calls.
    trace_id, _, _, flags, _, _ = span.get_span_context()
    if not flags & _SAMPLED or multiprocess.enabled() or (_selective and not _always_kept(span)):
        return None
    return {"trace_id": f"{trace_id:032x}"}


def _always_kept(span: Any) -> bool:
    """Say what the tail sampling policies will: by the span's own clock, not the request's."""
    if not span.status.is_ok and not span.status.is_unset:
        return True
    seconds = (span.end_time - span.start_time) / _NANOSECONDS
    return bool(seconds >= names.SLOW_TRACE_SECONDS)

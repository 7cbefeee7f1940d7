"""Starts and ends spans.

The module loads OpenTelemetry's API. `tracing` loads the module with the first span.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING, Protocol

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from telemetry import accelerator, context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    Given = Mapping[str, AttributeValue] | Callable[[], Mapping[str, AttributeValue]] | None


class Starter(Protocol):
    """The tracer, which starts spans."""

    def start_below(
        self,
        above: "Span",
        name: str,
        attributes: "Given" = None,
        kind: SpanKind = ...,
        context: "Context | None" = None,
    ) -> "Span":
        """Start a span below the one above it, which is the context's or else the current one."""


class _Stock:
    """Starts a tracer's spans."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def start_below(
        self,
        _: "Span",
        name: str,
        attributes: "Given" = None,
        kind: SpanKind = SpanKind.INTERNAL,
        context: "Context | None" = None,
    ) -> "Span":
        given = attributes() if callable(attributes) else attributes
        return self._tracer.start_span(name, context, kind, given)


@cache
def starter(tracer: "Tracer") -> Starter:
    """Return what starts a tracer's spans: the accelerator where it is used and spans are kept."""
    is_recorded = "opentelemetry.sdk.trace" in sys.modules  # else there is no need to load it
    fast = accelerator.load() if is_recorded else None
    found: Starter | None = fast.starter(tracer) if fast else None
    return found or _Stock(tracer)


@cache
def _own() -> Starter:
    return starter(trace.get_tracer("telemetry"))


def forget_tracers() -> None:
    """Forget the tracers from before the fork, because they have no provider."""
    starter.cache_clear()
    _own.cache_clear()


def attach(span: "Span", around: "Context | None" = None) -> "Token[Context]":
    """Make a span the current one, in a context or else the current one; return what detaches."""
    return contexts.attach(trace.set_span_in_context(span, around))


class Inner:
    """The same as the tracer's own context manager, without its layers of generators."""

    __slots__ = ("_attributes", "_expected", "_name", "_span", "_token")

    def __init__(
        self,
        name: str,
        attributes: "Mapping[str, AttributeValue] | None",
        expected: type[Exception] | tuple[type[Exception], ...],
    ) -> None:
        self._name = name
        self._attributes = attributes
        self._expected = expected

    def __enter__(self) -> "Span | None":
        span = self._span = begin(self._name, self._attributes)
        if span is not None:
            self._token = attach(span)
        return span

    def __exit__(self, kind: object, error: BaseException | None, stack: object) -> None:
        span = self._span
        if span is None:
            return
        contexts.detach(self._token)
        if isinstance(error, Exception) and not isinstance(error, self._expected):
            record(span, error)
        span.end()


def begin(name: str, attributes: "Mapping[str, AttributeValue] | None" = None) -> "Span | None":
    """Begin an inner span that the caller ends, without making it the current one.

    Returns:
        None where `tracing.span` would do nothing.
    """
    above = trace.get_current_span()
    if not above.is_recording() and context.request_id() is not None:
        return None
    return _own().start_below(above, name, attributes)


def record(span: "Span", exc: BaseException) -> None:
    """Put an exception on a span, as an error."""
    if span.is_recording():
        span.record_exception(exc)
        span.set_status(StatusCode.ERROR, f"{type(exc).__name__}: {exc}")

"""Spans, and the OpenTelemetry providers that a worker starts after its fork.

The functions use only OpenTelemetry's API and load it at first use. ``start`` loads the SDK; only
server hooks, and commands with traces, call it.
"""

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from telemetry import accelerator, context, current, otel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer
    from opentelemetry.util.types import AttributeValue

    Given = Mapping[str, AttributeValue] | Callable[[], Mapping[str, AttributeValue]] | None

_HISTOGRAMS = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
_BY_HTTP = "opentelemetry.exporter.otlp.proto.http"


class Starter(Protocol):
    """The tracer, which starts spans."""

    def start_below(
        self,
        above: "Span",
        name: str,
        attributes: "Given" = None,
        kind: "SpanKind" = ...,
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
        kind: "SpanKind | None" = None,
        context: "Context | None" = None,
    ) -> "Span":
        from opentelemetry.trace import SpanKind

        given = attributes() if callable(attributes) else attributes
        return self._tracer.start_span(name, context, kind or SpanKind.INTERNAL, given)


@cache
def starter(tracer: "Tracer") -> Starter:
    """Return what starts a tracer's spans: the accelerator where it is used and spans are kept."""
    is_recorded = "opentelemetry.sdk.trace" in sys.modules  # else there is no need to load it
    fast = accelerator.load() if is_recorded else None
    found: Starter | None = fast.starter(tracer) if fast else None
    return found or _Stock(tracer)


@cache
def _tracer() -> Starter:
    from opentelemetry import trace

    return starter(trace.get_tracer("telemetry"))


def attach(span: "Span", around: "Context | None" = None) -> "Token[Context]":
    """Make a span the current one, in a context or else the current one; return what detaches."""
    from opentelemetry import context as contexts
    from opentelemetry import trace

    return contexts.attach(trace.set_span_in_context(span, around))


def span(
    name: str,
    attributes: "Mapping[str, AttributeValue] | None" = None,
    *,
    expected: type[Exception] | tuple[type[Exception], ...] = (),
) -> AbstractContextManager[object]:
    """Open an inner span; an exception that leaves the span is recorded and marks it as failed.

    It does nothing within a request whose server span is not recorded (not sampled, or a probe).
    Otherwise it would start a trace of its own.

    Args:
        name: Name of the span.
        attributes: Attributes of the span.
        expected: Exceptions that do not mark the span as failed, for example for a 404. Tail
            sampling would otherwise keep all traces of unknown ports.
    """
    return _Inner(name, attributes, expected)


class _Inner:
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
        from opentelemetry import context as contexts

        contexts.detach(self._token)
        if isinstance(error, Exception) and not isinstance(error, self._expected):
            _record(span, error)
        span.end()


def begin(name: str, attributes: "Mapping[str, AttributeValue] | None" = None) -> "Span | None":
    """Begin an inner span that the caller ends, without making it the current one.

    Returns:
        None where `span` would do nothing.
    """
    above = current.span()
    if not above.is_recording() and context.request_id() is not None:
        return None
    return _tracer().start_below(above, name, attributes)


def suppressed() -> AbstractContextManager[None]:
    """Keep instrumented libraries from starting spans."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    return suppress_instrumentation()


def record_exception(exc: BaseException) -> None:
    """Put an exception that a framework's handler swallowed on the current span, as an error."""
    _record(current.span(), exc)


def _record(span: "Span", exc: BaseException) -> None:
    if span.is_recording():
        from opentelemetry.trace import StatusCode

        span.record_exception(exc)
        span.set_status(StatusCode.ERROR, f"{type(exc).__name__}: {exc}")


def preload() -> None:
    """Load the SDK's code before the fork: workers start sooner and share its memory.

    That includes what exports by HTTP, if the environment asks for it. Each worker imports
    exporters over gRPC itself: gRPC does not promise to survive a fork.
    """
    import_module("opentelemetry.distro")
    for signal, module in (("TRACES", "trace_exporter"), ("METRICS", "metric_exporter")):
        if otel.exports_by_http(signal):
            import_module(f"{_BY_HTTP}.{module}")
            import_module("telemetry.collector")
    accelerator.load()  # here, so that it says once for all workers whether it is used


def start(service: str, version: str, instance: str) -> None:
    """Start the providers as OTEL_* say; once per process, and never before a fork.

    `configure_logging` has checked and completed OTEL_* by then.

    Without an exporter of traces, spans are made but not recorded. Their ids, or the caller's of a
    W3C traceparent, still appear in logs, headers and errors.

    Args:
        service: service.name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES give one.
        version: service.version, unless OTEL_RESOURCE_ATTRIBUTES give one.
        instance: Suffix that tells this process from others of the same service instance.
    """
    from opentelemetry.distro import OpenTelemetryConfigurator
    from opentelemetry.sdk.resources import OTELResourceDetector
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    given = OTELResourceDetector().detect().attributes
    attributes = {"service.name": service, "service.version": version, **given}
    attributes["service.instance.id"] = (
        f"{given['service.instance.id']!s}.{instance}"
        if "service.instance.id" in given
        else f"{os.uname().nodename}.{os.getpid()}.{time.time_ns():x}"
    )
    is_asked = otel.exporters("TRACES") or os.environ.get("OTEL_TRACES_SAMPLER")
    # Of a latency distribution, fixed buckets would say little: those on /metrics are for SLOs.
    os.environ.setdefault(_HISTOGRAMS, "base2_exponential_bucket_histogram")
    OpenTelemetryConfigurator().configure(
        sampler=None if is_asked else ALWAYS_OFF, resource_attributes=attributes
    )
    # Modules that were loaded before the fork may have asked for them.
    starter.cache_clear()
    _tracer.cache_clear()


def stop(seconds: float) -> bool:
    """Flush and shut the providers down within so many seconds; say whether all was sent.

    Data that a dead Collector did not take by then is lost: the process has to end.
    """
    from opentelemetry import metrics, trace

    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    threads = [
        threading.Thread(target=provider.shutdown, daemon=True, name="telemetry-flush")
        for provider in providers
        if hasattr(provider, "shutdown")
    ]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)

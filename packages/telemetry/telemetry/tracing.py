"""Spans, and the OpenTelemetry providers that a worker starts after its fork.

The functions that code calls use OpenTelemetry's API alone and load it at first use; the SDK is
loaded by ``start``, which only server hooks (and commands that want to be traced) call.
"""

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from telemetry import context, names, otlp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer
    from opentelemetry.util.types import AttributeValue

    from telemetry.spans import Given

_OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
_BY_HTTP = "opentelemetry.exporter.otlp.proto.http"


class Starter(Protocol):
    """What starts spans."""

    def start_below(
        self,
        above: "Span",
        name: str,
        attributes: "Given" = None,
        kind: "SpanKind" = ...,
        context: "Context | None" = None,
    ) -> "Span":
        """Start a span below the one above it, which is the context's or else the current one."""


class _Other:
    """A tracer that is no lean one, asked as a lean one is."""

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
        given = attributes() if callable(attributes) else attributes
        kind = _api()[0].SpanKind.INTERNAL if kind is None else kind
        return self._tracer.start_span(name, context, kind, given)


@cache
def lean(tracer: "Tracer") -> Starter:
    """Return what starts the same spans with less around them, once spans are recorded."""
    if "opentelemetry.sdk.trace" not in sys.modules:  # nothing records: no need to load it
        return _Other(tracer)
    from telemetry import spans

    return spans.lean(tracer) or _Other(tracer)


@cache
def _tracer() -> Starter:
    return lean(_api()[0].get_tracer("telemetry"))


@cache
def _api() -> tuple[Any, Any, str]:
    """Return OpenTelemetry's modules of spans and of contexts, and the current span's key in one.

    A request asks eight times: an import statement each time costs more than some of the answers.
    """
    from opentelemetry import context as contexts
    from opentelemetry import trace
    from opentelemetry.trace import propagation

    return trace, contexts, propagation._SPAN_KEY  # noqa: SLF001 -- one copy of a context less


def current() -> "Span":
    """Return the current span, one that is not valid without one."""
    trace, contexts, key = _api()
    found: Span = contexts.get_current().get(key, trace.INVALID_SPAN)
    return found


def attach(span: "Span", context: "Context | None" = None) -> "Token[Context]":
    """Make a span the current one, in a context or else the current one; return what detaches."""
    _, contexts, key = _api()
    around = contexts.get_current() if context is None else context
    token: Token[Context] = contexts.attach(contexts.Context({**around, key: span}))
    return token


def ids() -> tuple[str, str] | None:
    """Return trace id and span id of the current span in hexadecimal, or None without one."""
    trace = _api()[0]
    found = current().get_span_context()
    if not found.is_valid:
        return None
    return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)


def trace_id() -> str | None:
    """Return the current trace id as 32 hexadecimal digits, or None without a trace."""
    found = ids()
    return found[0] if found else None


def span(
    name: str,
    attributes: "Mapping[str, AttributeValue] | None" = None,
    *,
    expected: type[Exception] | tuple[type[Exception], ...] = (),
) -> AbstractContextManager[object]:
    """Open an inner span; an exception that leaves it is recorded and makes it an error.

    Not so an expected one, by which the code only says no: a trace of a port that is not there
    would else count, and be kept, among those of what is broken.

    Within a request whose server span is not recorded (not sampled, or a probe) it does nothing:
    what is below a span that nobody keeps must not start a trace of its own.
    """
    return _Inner(name, attributes, expected)


class _Inner:
    """What the tracer's own context manager does, without its layers of generators."""

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
        trace, contexts, key = _api()
        around = contexts.get_current()
        above = around.get(key, trace.INVALID_SPAN)
        span = self._span = begin(self._name, self._attributes, above)
        if span is not None:
            self._token = attach(span, around)
        return span

    def __exit__(self, kind: object, error: BaseException | None, stack: object) -> None:
        span = self._span
        if span is None:
            return
        _api()[1].detach(self._token)
        if isinstance(error, Exception) and not isinstance(error, self._expected):
            _record(span, error)
        span.end()


def begin(
    name: str,
    attributes: "Mapping[str, AttributeValue] | None" = None,
    above: "Span | None" = None,
) -> "Span | None":
    """Begin an inner span that the caller ends, without making it the current one.

    Args:
        name: The span's name.
        attributes: The span's attributes.
        above: The current span, if the caller knows it.

    Returns:
        None where `span` would do nothing.
    """
    if above is None:
        above = current()
    if not above.is_recording() and context.request_id() is not None:
        return None
    return _tracer().start_below(above, name, attributes)


def suppressed() -> AbstractContextManager[None]:
    """Keep instrumented libraries from starting spans."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    return suppress_instrumentation()


def record_exception(exc: BaseException) -> None:
    """Put an exception that a framework's handler swallowed on the current span, as an error."""
    _record(current(), exc)


def _record(span: "Span", exc: BaseException) -> None:
    if span.is_recording():
        span.record_exception(exc)
        span.set_status(_api()[0].StatusCode.ERROR, f"{type(exc).__name__}: {exc}")


def _choose_exporters() -> bool:
    """Ask for OTLP where an endpoint is given and no exporter named; say if there is any.

    The distro's own default is OTLP to localhost even when nobody configured anything.
    """
    for signal in ("TRACES", "METRICS"):
        endpoint = os.environ.get(_OTLP) or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        # To the specification, an empty variable is one that is not set.
        if endpoint and not os.environ.get(f"OTEL_{signal}_EXPORTER"):
            os.environ[f"OTEL_{signal}_EXPORTER"] = "otlp"
    chosen = os.environ.get("OTEL_TRACES_EXPORTER") or "none"
    return chosen.strip().lower() != "none"


def _encode_fast() -> None:
    """Let the exporter of spans by HTTP encode by `telemetry.otlp`; the one by gRPC cannot."""
    if _is_by_http("TRACES"):
        # It has no parameter for it: it finds the function in its module.
        vars(import_module(f"{_BY_HTTP}.trace_exporter"))["encode_spans"] = otlp.encode_spans


def _is_by_http(signal: str) -> bool:
    protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    return protocol.strip() == "http/protobuf"


def preload() -> None:
    """Load the SDK's code before the fork: workers start sooner and share its memory.

    That includes what exports by HTTP, if the environment asks for it. What exports by gRPC is left
    to each worker: gRPC does not promise to survive a fork.
    """
    import_module("opentelemetry.distro")
    _choose_exporters()
    for signal, module in (("TRACES", "trace_exporter"), ("METRICS", "metric_exporter")):
        if "otlp" in os.environ.get(f"OTEL_{signal}_EXPORTER", "") and _is_by_http(signal):
            import_module(f"{_BY_HTTP}.{module}")
            import_module("requests")  # which it loads when it starts


def start(service: str, version: str, instance: str) -> None:
    """Start the providers as OTEL_* say; once per process, and never before a fork.

    Without an exporter of traces, spans are made but not recorded: their ids (the caller's, where
    a W3C traceparent came in) still appear in logs, headers and errors, and nothing else is done.

    Args:
        service: service.name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES give one.
        version: service.version, unless OTEL_RESOURCE_ATTRIBUTES give one.
        instance: Suffix that tells this process from others of the same service instance.
    """
    from opentelemetry.distro import OpenTelemetryConfigurator
    from opentelemetry.sdk import _configuration
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.view import (
        ExponentialBucketHistogramAggregation,
        View,
    )
    from opentelemetry.sdk.resources import OTELResourceDetector
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    exporting = _choose_exporters()
    _encode_fast()
    given = OTELResourceDetector().detect().attributes
    attributes = {"service.name": service, "service.version": version, **given}
    attributes["service.instance.id"] = (
        f"{given['service.instance.id']!s}.{instance}"
        if "service.instance.id" in given
        else f"{os.uname().nodename}.{os.getpid()}.{time.time_ns():x}"
    )
    sampler = None if exporting or os.environ.get("OTEL_TRACES_SAMPLER") else ALWAYS_OFF

    exponential = View(
        instrument_name=names.OTLP_HTTP_DURATION,
        name=names.OTLP_HTTP_DURATION_EXPONENTIAL,
        aggregation=ExponentialBucketHistogramAggregation(),
    )

    def meter_provider(**arguments: Any) -> MeterProvider:
        return MeterProvider(views=[exponential], **arguments)

    # The SDK's configurator reads all of OTEL_* but takes no views: it finds a class that has one.
    module = vars(_configuration)
    module["MeterProvider"] = meter_provider
    try:
        OpenTelemetryConfigurator().configure(sampler=sampler, resource_attributes=attributes)
    finally:
        module["MeterProvider"] = MeterProvider
    # What was loaded before the fork may have asked for them.
    lean.cache_clear()
    _tracer.cache_clear()


def stop(seconds: float) -> bool:
    """Flush and shut the providers down within so many seconds; say whether all was sent.

    What a dead Collector did not take by then is given up: the process has to end.
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

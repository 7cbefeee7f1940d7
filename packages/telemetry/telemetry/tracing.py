"""Spans, and the OpenTelemetry providers that a worker starts after its fork.

The functions load OpenTelemetry's API at first use. ``start`` loads the SDK; only server hooks, and
commands with traces, call it.
"""

import os
import threading
import time
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from telemetry import accelerator, otel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_HISTOGRAMS = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
_BY_HTTP = "opentelemetry.exporter.otlp.proto.http"


@cache
def _spans() -> Any:
    """Return the module that needs OpenTelemetry's API. A request looks it up without imports."""
    return import_module("telemetry.spans")


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
    found: AbstractContextManager[object] = _spans().Inner(name, attributes, expected)
    return found


def suppressed() -> AbstractContextManager[None]:
    """Keep instrumented libraries from starting spans."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    return suppress_instrumentation()


def record_exception(exc: BaseException) -> None:
    """Put an exception that a framework's handler swallowed on the current span, as an error."""
    from opentelemetry import trace

    _spans().record(trace.get_current_span(), exc)


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
    _spans()
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
    _spans().forget_tracers()


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

"""Telemetry made by the tests themselves, to show what the pipeline does with it."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, format_trace_id
from stack.podlogs import PodLog

RESOURCE = {"service.name": "probe", "deployment.environment.name": "local"}


def now() -> str:
    """The time, as log lines write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Probe:
    """A service that sends what a test wants."""

    def __init__(self, otlp: str) -> None:
        self._provider = TracerProvider(resource=Resource.create(dict(RESOURCE)))
        exporter = OTLPSpanExporter(endpoint=f"{otlp}/v1/traces", timeout=10)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("probe")

    def trace(
        self,
        name: str,
        attributes: Mapping[str, str | int] | None = None,
        *,
        error: str = "",
        seconds: float = 0.01,
        event: str | None = None,
    ) -> str:
        """Send a trace of one span that took `seconds`; return its id.

        With `error` it failed, and that is its status's message.
        """
        end = time.time_ns()
        span = self._tracer.start_span(
            name, attributes=dict(attributes or {}), start_time=end - int(seconds * 1e9)
        )
        if event is not None:
            span.add_event("event", {"detail": event})
        if error:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(end)
        return format_trace_id(span.get_span_context().trace_id)

    def close(self) -> None:
        """Flush and stop."""
        self._provider.shutdown()


def write_log(pods: Path, service: str, *lines: str | Mapping[str, object]) -> Path:
    """Write lines as a container of `service` would print them; return the node's log file."""
    log = PodLog(pods, service)
    with open(log.writing_end, "wb", closefd=False) as pipe:
        for line in lines:
            text = line if isinstance(line, str) else json.dumps(line)
            pipe.write(text.encode() + b"\n")
    log.start()
    log.join()
    return log.file

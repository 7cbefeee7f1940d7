"""Logs, traces, metrics and request ids, the same in every service.

Importing this package loads neither the SDK nor Django; both are loaded at first use. The package
uses only public interfaces of its dependencies, so you can copy it.

A service calls:

- `telemetry`: `get_logger`, `span`, `stream`, `record_exception`, `request_id`, `trace_id`, `carry`
- `telemetry.names`: the names of metrics, spans and log events, and how a service declares its own
- `telemetry.metrics`: a declared metric by its name
- `telemetry.client`: an HTTP client for calls to other services
- `telemetry.django`: what goes into settings and URLs

How it works:

- `logs`, `lines`, `output`, `redaction`: an event becomes one line of JSON without secrets
- `context`, `current`, `tracing`, `spans`, `streams`: the data and the spans of the current request
- `otel`, `otel_values`: the variables `OTEL_*`, checked before OpenTelemetry reads them
- `collector`: the HTTP session that limits and reads the answers of a Collector
- `accelerator`: the only connection to the package `telemetry_fast`
- `initial`, `created`: series that exist from the start, and their creation times
- `exposition`, `exemplars`, `multiprocess`, `shared`: `/metrics` of one process or of several
- `memoize`, `declarations`: a thread-safe cache; the declarations of all services
"""

from telemetry import names
from telemetry.context import carry, request_id
from telemetry.current import trace_id
from telemetry.logs import configure_logging, get_logger
from telemetry.streams import stream
from telemetry.tracing import record_exception, span

__all__ = [
    "carry",
    "configure_logging",
    "get_logger",
    "names",
    "record_exception",
    "request_id",
    "span",
    "stream",
    "trace_id",
]

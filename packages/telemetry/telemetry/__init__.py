"""Logs, traces, metrics and request ids, the same in every service.

Importing this costs little: no SDK and no Django is loaded before it is used. All of it
uses public interfaces of its dependencies, so that it can be copied.

What a service calls:

- `telemetry`: `get_logger`, `span`, `stream`, `record_exception`, `request_id`, `trace_id`, `carry`
- `telemetry.names`: the names of metrics, spans and log events, and how a service declares its own
- `telemetry.metrics`: a declared metric by its name
- `telemetry.client`: an HTTP client for calls to other services
- `telemetry.django`: what goes into settings and URLs

How it works:

- `logs`, `lines`, `output`, `redaction`: an event becomes one line of JSON without secrets
- `context`, `current`, `tracing`, `streams`: what is known of the request at hand, and its spans
- `otel`, `otel_values`: the variables `OTEL_*`, checked before OpenTelemetry reads them
- `collector`: the session that bounds and reads what a Collector answers
- `accelerator`: the one seam to the package `telemetry_fast`
- `initial`, `created`: series that count from 0, and since when
- `exposition`, `exemplars`, `multiprocess`, `shared`: `/metrics` of one process or of several
- `memoize`, `declarations`: a cache for threads; what the services of a repository declare
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

"""Names that every service emits: metrics, labels, span attributes, log events.

A service declares additional names in its own module `names`. Names follow the OpenTelemetry
semantic conventions where one exists. Metrics have the form of the compatibility specification for
Prometheus: dots become underscores, the unit is a suffix. Code, the SLO compiler, dashboards and
tests import the names. docs/telemetry-reference.md is generated from this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# Labels of all series of a target. Prometheus sets them when it discovers the target.
SERVICE_NAME: Final = "service_name"
ENVIRONMENT: Final = "deployment_environment_name"

# The histogram of most SLOs, in seconds.
HTTP_SERVER_DURATION: Final = "http_server_request_duration_seconds"
HTTP_METHOD: Final = "http_request_method"
HTTP_ROUTE: Final = "http_route"
HTTP_STATUS: Final = "http_response_status_code"

# Values that replace what a client may invent.
ROUTE_UNMATCHED: Final = "_unmatched"
ROUTE_OVERLOAD: Final = "_overload"
METHOD_OTHER: Final = "_OTHER"

# The methods of RFC 9110 and RFC 5789 (PATCH): the semantic conventions' own list.
METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
)

# Every HTTP status: three digits.
STATUSES: Final = tuple(str(status) for status in range(100, 600))

# Routes for Kubernetes and Prometheus: counted, but not traced and not part of an SLO.
PROBE_ROUTES: Final = frozenset(("/ready", "/live", "/metrics"))

# Upper bounds in seconds of the HTTP duration's buckets; each latency SLO's threshold is one of
# them. The list is the semantic conventions' advice for http.server.request.duration.
HTTP_DURATION_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip

# A trace at least this long, in seconds, is always kept by the Collector's tail sampling.
SLOW_TRACE_SECONDS: Final = 1.0

HTTP_SERVER_ACTIVE: Final = "http_server_active_requests"
HTTP_SERVER_QUEUE: Final = "http_server_request_queue_duration_seconds"
HTTP_SERVER_ABORTED: Final = "http_server_responses_aborted_total"
HTTP_SERVER_WAITING: Final = "http_server_requests_waiting"
HTTP_SERVER_WAITING_LIMIT: Final = "http_server_requests_waiting_limit"
HTTP_SERVER_THREADS: Final = "http_server_threads"
HTTP_SERVER_THREADS_BUSY: Final = "http_server_threads_busy"
LOG_LINES_DROPPED: Final = "telemetry_log_lines_dropped_total"
WORKER_TIMEOUTS: Final = "http_server_worker_timeouts_total"
DRAINING: Final = "http_server_draining"
BUILD_INFO: Final = "service_build_info"
SERVICE_VERSION: Final = "service_version"

HTTP_CLIENT_DURATION: Final = "http_client_request_duration_seconds"
SERVER_ADDRESS: Final = "server_address"
SERVER_PORT: Final = "server_port"
ERROR_TYPE: Final = "error_type"

STORE_DURATION: Final = "db_client_operation_duration_seconds"
DB_SYSTEM: Final = "db_system_name"
DB_OPERATION: Final = "db_operation_name"

REPLICA_FALLBACKS: Final = "db_replica_fallbacks_total"

CACHE_FAILURES: Final = "cache_failures_total"
CACHE_BYPASSED: Final = "cache_bypassed"
# Why the shared cache failed.
CACHE_FAILED: Final = ("connection", "timeout", "full", "refused", "invalid")

OUTCOME: Final = "outcome"
# The side that ended a streamed response before its last byte.
ABORTED_BY: Final = ("client", "server")

# The HTTP duration over OTLP, an exponential histogram for heatmaps. SLOs do not use it.
OTLP_HTTP_DURATION: Final = "http.server.request.duration"

# Span attributes. The duration over OTLP uses some of them.
ATTR_METHOD: Final = "http.request.method"
ATTR_METHOD_ORIGINAL: Final = "http.request.method_original"
ATTR_STATUS: Final = "http.response.status_code"
ATTR_HTTP_ROUTE: Final = "http.route"
ATTR_ERROR_TYPE: Final = "error.type"
ATTR_REQUEST_ID: Final = "request_id"
ATTR_SERVER_ADDRESS: Final = "server.address"
ATTR_SERVER_PORT: Final = "server.port"
ATTR_CLIENT_ADDRESS: Final = "client.address"
ATTR_CLIENT_PORT: Final = "client.port"
ATTR_SCHEME: Final = "url.scheme"
ATTR_URL_PATH: Final = "url.path"
ATTR_URL_QUERY: Final = "url.query"
ATTR_PROTOCOL: Final = "network.protocol.version"
ATTR_USER_AGENT: Final = "user_agent.original"
ATTR_USER_AGENT_TYPE: Final = "user_agent.synthetic.type"
ATTR_DB_SYSTEM: Final = "db.system.name"
ATTR_DB_OPERATION: Final = "db.operation.name"

# Log events, and the fields of log lines.
ACCESS_EVENT: Final = "http.server.request"
WORKER_TIMEOUT_EVENT: Final = "http.server.worker_timeout"
REFUSED_EVENT: Final = "http.server.bad_request"
EXHAUSTED_EVENT: Final = "http.server.exhausted"
CACHE_EVENT: Final = "cache.failed"
FLUSH_TIMEOUT_EVENT: Final = "telemetry.flush_timeout"
STOCK_EVENT: Final = "telemetry.stock"
COLLECTOR_EVENT: Final = "telemetry.collector_answer"
START_REFUSED_EVENT: Final = "service.start_refused"
FAULT_EVENT: Final = "service.fault"
SERVER_ERROR_EVENT: Final = "http.server.error"

LOG_TIMESTAMP: Final = "timestamp"
LOG_LEVEL: Final = "level"
LOG_EVENT: Final = "event"
LOG_LOGGER: Final = "logger"
LOG_SERVICE: Final = "service"
LOG_REQUEST_ID: Final = "request_id"
LOG_TRACE_ID: Final = "trace_id"
LOG_SPAN_ID: Final = "span_id"
LOG_EXCEPTION: Final = "exception"
LOG_STACK: Final = "stack"

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of a metric, which code, docs and tests share.

    Attributes:
        name: Name on /metrics, with unit and ``_total``.
        kind: Prometheus type.
        unit: UCUM unit, as in the semantic conventions.
        meaning: One sentence; the HELP text.
        labels: Label names, in order.
        merge: How the gauges of several worker processes are merged.
        buckets: Upper bounds of a histogram.
        values: All values of a label, by label name. A label without an entry can have any value;
            the series of its metric begin with their first event.
        most: Largest number of label sets per pod, if a label can have any value. `slo validate`
            computes the series of a pod with this number; the service does not enforce it.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    merge: Literal["livesum", "mostrecent"] = "livesum"
    buckets: tuple[float, ...] = HTTP_DURATION_BUCKETS
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most: int = 20

    def __post_init__(self) -> None:
        """Check that each label in `values` is a label of the metric.

        Raises:
            ValueError: A label is not.
        """
        if unknown := sorted(self.values.keys() - set(self.labels)):
            raise ValueError(f"{self.name} has values of {', '.join(unknown)}: no label of it")


@dataclass(frozen=True, slots=True)
class Declaration:
    """The names that one service emits, in addition to this module: its `names.DECLARED`.

    Attributes:
        metrics: Metrics of the service.
        spans: Meaning of each inner span, by name.
        events: Meaning and fields of each log event, by name.
    """

    metrics: tuple[Metric, ...] = ()
    spans: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)


_METHOD_VALUES: Final = (*sorted(METHODS), METHOD_OTHER)

METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(
            HTTP_SERVER_DURATION,
            "histogram",
            "s",
            "Time from a request's arrival until the last byte of its response, waiting included.",
            (HTTP_METHOD, HTTP_ROUTE, HTTP_STATUS),
            values={HTTP_METHOD: _METHOD_VALUES, HTTP_STATUS: STATUSES},
        ),
        Metric(
            HTTP_SERVER_QUEUE,
            "histogram",
            "s",
            "Part of the request duration spent waiting for a thread.",
        ),
        Metric(
            HTTP_SERVER_ACTIVE,
            "gauge",
            "{request}",
            "Requests that threads currently handle.",
            (HTTP_METHOD,),
            values={HTTP_METHOD: _METHOD_VALUES},
        ),
        Metric(
            HTTP_SERVER_ABORTED,
            "counter",
            "{response}",
            "Streamed responses that ended before their last byte.",
            (HTTP_ROUTE, OUTCOME),
            values={OUTCOME: ABORTED_BY},
        ),
        Metric(HTTP_SERVER_WAITING, "gauge", "{request}", "Requests waiting for a thread."),
        Metric(
            HTTP_SERVER_WAITING_LIMIT,
            "gauge",
            "{request}",
            "Maximum number of waiting requests; further requests get status 503.",
        ),
        Metric(HTTP_SERVER_THREADS, "gauge", "{thread}", "Number of threads, busy and idle."),
        Metric(
            HTTP_SERVER_THREADS_BUSY,
            "gauge",
            "{thread}",
            "Threads that currently handle a request.",
        ),
        Metric(
            WORKER_TIMEOUTS,
            "counter",
            "{process}",
            "Worker processes that gunicorn's master process killed because they hung.",
        ),
        Metric(
            LOG_LINES_DROPPED,
            "counter",
            "{line}",
            "Log lines that were dropped because no process reads standard output.",
        ),
        Metric(DRAINING, "gauge", "1", "1 after SIGTERM, else 0."),
        Metric(
            BUILD_INFO,
            "gauge",
            "1",
            "Always 1. The labels contain the running versions.",
            ("service", SERVICE_VERSION, "python_version"),
            most=1,
        ),
        Metric(
            HTTP_CLIENT_DURATION,
            "histogram",
            "s",
            "Time until the response of another service begins or fails, for each try.",
            (HTTP_METHOD, SERVER_ADDRESS, SERVER_PORT, HTTP_STATUS, ERROR_TYPE),
            values={HTTP_METHOD: _METHOD_VALUES, HTTP_STATUS: ("", *STATUSES)},
        ),
        Metric(
            STORE_DURATION,
            "histogram",
            "s",
            "Duration of a store operation.",
            (DB_SYSTEM, DB_OPERATION),
            # The buckets of the semantic conventions for db.client.operation.duration, with finer
            # bounds below a millisecond for stores in memory.
            buckets=(0.00001, 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
        ),
        Metric(
            REPLICA_FALLBACKS,
            "counter",
            "{read}",
            "Reads that the primary answered: the replica was away, or not known to be fresh.",
            (ERROR_TYPE,),
            values={ERROR_TYPE: ("away", "not_fresh")},
        ),
        Metric(
            CACHE_FAILURES,
            "counter",
            "{failure}",
            "Failures of the shared cache: connection, timeout, full (out of memory), refused "
            "(another error), invalid (a value that is not the service's).",
            (ERROR_TYPE,),
            values={ERROR_TYPE: CACHE_FAILED},
        ),
        Metric(
            CACHE_BYPASSED,
            "gauge",
            "{process}",
            "Processes that read past the shared cache, because it does not answer.",
        ),
    )
}

# Metrics that libraries declare, by prefix.
LIBRARY_METRICS: Final = {
    "django_db_": "django-prometheus: connections, statements, errors and durations of databases",
    "django_cache_": "django-prometheus: gets, hits, misses and failures of caches",
    "django_model_": "django-prometheus: inserts, updates and deletes of models that opt in",
    "django_migrations_": "django-prometheus: applied and missing migrations (off by default)",
    "process_": "prometheus_client: memory, CPU, file descriptors, start time (one worker only)",
    "python_gc_": "prometheus_client: garbage collections by generation (one worker only)",
    "python_info": "prometheus_client: the interpreter's version (one worker only)",
}

SPAN_ATTRIBUTES: Final = {
    ATTR_METHOD: "HTTP method if it is a standard method (RFC 9110, RFC 5789), else _OTHER.",
    ATTR_METHOD_ORIGINAL: "Method that the client sent, if http.request.method is _OTHER.",
    ATTR_STATUS: "Status of the response.",
    ATTR_HTTP_ROUTE: "Route template, for example /ports/{id}.",
    ATTR_ERROR_TYPE: "Status of the response if it is 500 or above.",
    ATTR_SERVER_ADDRESS: "Host in the request, without the port.",
    ATTR_SERVER_PORT: "Port that the server listens on.",
    ATTR_CLIENT_ADDRESS: "Address of the client, from X-Forwarded-For if a trusted proxy sent it.",
    ATTR_CLIENT_PORT: "TCP port of the connection's other end.",
    ATTR_SCHEME: "http, or https if a trusted proxy says so.",
    ATTR_URL_PATH: "Path of the request.",
    ATTR_URL_QUERY: "Query string. Secret values are replaced by REDACTED.",
    ATTR_PROTOCOL: "HTTP version.",
    ATTR_USER_AGENT: "User-Agent header.",
    ATTR_USER_AGENT_TYPE: "bot or test, if the User-Agent says so.",
    ATTR_REQUEST_ID: (
        "ID of the request, the same as in the log. (The semantic conventions have the list "
        "http.response.header.x-request-id, which Jaeger's search does not match.)"
    ),
    ATTR_DB_SYSTEM: "Kind of store: memory, postgresql or redis (the shared cache).",
    ATTR_DB_OPERATION: "Operation of the store, for example get.",
}

LOG_FIELDS: Final = {
    LOG_TIMESTAMP: "Time in UTC with microseconds (RFC 3339).",
    LOG_LEVEL: "debug, info, warning, error or critical.",
    LOG_EVENT: "The event: a name from the list below, or a library's message.",
    LOG_LOGGER: "Name of the logger.",
    LOG_SERVICE: "Name of the service.",
    LOG_REQUEST_ID: "ID of the request, if the line belongs to a request.",
    LOG_TRACE_ID: "Trace ID of the request, 32 hexadecimal digits.",
    LOG_SPAN_ID: "Span ID of the line, 16 hexadecimal digits.",
    LOG_EXCEPTION: "Object with type, message and stacktrace.",
    LOG_STACK: "Stack of the log call, if the call asks for it (stack_info).",
}

LOG_EVENTS: Final = {
    ACCESS_EVENT: (
        "A request was answered. Fields: method, route, path, status, duration_ms, queue_ms, "
        "bytes, client, user_agent; aborted if a stream broke. Level debug for probes."
    ),
    WORKER_TIMEOUT_EVENT: "gunicorn's master process killed a worker that hung. Field: pid.",
    REFUSED_EVENT: "A client sent something that is not an HTTP request. Fields: status, reason.",
    EXHAUSTED_EVENT: (
        "The worker cannot accept connections, because it lacks file descriptors or memory. "
        "Fields: connections, reason. At most one line per minute."
    ),
    STOCK_EVENT: "The accelerator is not used; OpenTelemetry's own code runs. Field: reason.",
    COLLECTOR_EVENT: (
        "The Collector rejected some data, or its answer was too long. Fields: to, rejected "
        "(number of spans or metric points), reason. At most one line per minute."
    ),
    START_REFUSED_EVENT: "The service does not start. Field: reason.",
    SERVER_ERROR_EVENT: "A request failed with status 5xx. Fields: exception, or reason and cause.",
    CACHE_EVENT: (
        "The shared cache failed, and the store answered. Field: reason, a value of the label "
        "error_type of cache_failures_total. At most one line per minute and reason."
    ),
    FAULT_EVENT: "An injected fault begins (game day). Fields: fault, share, seconds.",
    FLUSH_TIMEOUT_EVENT: (
        "A worker exited before all telemetry was sent. Field: seconds (how long it waited)."
    ),
}

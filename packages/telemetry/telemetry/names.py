"""Names that every service emits: metrics, labels, span attributes, log events.

A service has a module `names` of its own for what it emits beside these. Names follow the
OpenTelemetry semantic conventions where one exists, in the form that the compatibility
specification for Prometheus gives them (dots become underscores, the unit is a suffix). Code, the
SLO compiler, dashboards and tests import them; docs/telemetry-reference.md is generated from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# Label that each target's series carry, set where Prometheus finds the target.
SERVICE_NAME: Final = "service_name"
ENVIRONMENT: Final = "deployment_environment_name"

# The one histogram family that SLOs are computed from, in seconds.
HTTP_SERVER_DURATION: Final = "http_server_request_duration_seconds"
HTTP_METHOD: Final = "http_request_method"
HTTP_ROUTE: Final = "http_route"
HTTP_STATUS: Final = "http_response_status_code"

# Values that stand for whatever a client may invent.
ROUTE_UNMATCHED: Final = "_unmatched"
ROUTE_OVERLOAD: Final = "_overload"
METHOD_OTHER: Final = "_OTHER"

# The methods of RFC 9110 and RFC 5789 (PATCH): the semantic conventions' own list.
METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
)

# Every status that HTTP has room for: three digits.
STATUSES: Final = tuple(str(status) for status in range(100, 600))

# What Kubernetes and Prometheus ask for: counted, but neither traced nor part of an SLO.
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

OUTCOME: Final = "outcome"
# Who ended a streamed response before its last byte.
ABORTED_BY: Final = ("client", "server")

# The HTTP duration over OTLP, an exponential histogram: for heatmaps, never for SLOs.
OTLP_HTTP_DURATION: Final = "http.server.request.duration"

# Span attributes; those of the duration over OTLP are among them.
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

# Log events and the fields that every line has or may have.
ACCESS_EVENT: Final = "http.server.request"
WORKER_TIMEOUT_EVENT: Final = "http.server.worker_timeout"
REFUSED_EVENT: Final = "http.server.bad_request"
EXHAUSTED_EVENT: Final = "http.server.exhausted"
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
    """What a metric is: the one declaration that code, docs and tests share.

    Attributes:
        name: Its name on /metrics, unit and ``_total`` included.
        kind: Its Prometheus type.
        unit: UCUM unit, as the semantic conventions write it.
        meaning: One sentence; the HELP text.
        labels: Label names, in order.
        merge: How the values of several worker processes become one gauge.
        buckets: A histogram's upper bounds.
        values: All values that a label can have, by label name. A label without an entry can have
            any value: the series of its metric do not exist before their first event.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    merge: Literal["livesum", "mostrecent"] = "livesum"
    buckets: tuple[float, ...] = HTTP_DURATION_BUCKETS
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values of a label that the metric does not have.

        Raises:
            ValueError: There are some.
        """
        if unknown := sorted(self.values.keys() - set(self.labels)):
            raise ValueError(f"{self.name} has values of {', '.join(unknown)}: no label of it")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a service emits beside the names of this module: its `names.DECLARED`.

    Attributes:
        metrics: Its own metrics.
        spans: Its inner spans: meaning by name.
        events: Its log events: meaning and fields by name.
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
            "Time from a request's arrival, waiting included, until its response is handed over.",
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
            "Requests being handled by a thread.",
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
            "Requests that may wait before further ones are answered 503.",
        ),
        Metric(HTTP_SERVER_THREADS, "gauge", "{thread}", "Threads that handle requests."),
        Metric(HTTP_SERVER_THREADS_BUSY, "gauge", "{thread}", "Threads handling a request."),
        Metric(
            WORKER_TIMEOUTS,
            "counter",
            "{process}",
            "Worker processes killed because they stopped answering the arbiter.",
        ),
        Metric(
            LOG_LINES_DROPPED,
            "counter",
            "{line}",
            "Log lines dropped because nobody reads standard output.",
        ),
        Metric(DRAINING, "gauge", "1", "1 from SIGTERM on, else 0."),
        Metric(
            BUILD_INFO,
            "gauge",
            "1",
            "Always 1; its labels say what is running.",
            ("service", SERVICE_VERSION, "python_version"),
        ),
        Metric(
            HTTP_CLIENT_DURATION,
            "histogram",
            "s",
            "Time until another service's response began or failed, each try on its own.",
            (HTTP_METHOD, SERVER_ADDRESS, SERVER_PORT, HTTP_STATUS, ERROR_TYPE),
            values={HTTP_METHOD: _METHOD_VALUES, HTTP_STATUS: ("", *STATUSES)},
        ),
        Metric(
            STORE_DURATION,
            "histogram",
            "s",
            "Duration of an operation on a store.",
            (DB_SYSTEM, DB_OPERATION),
            # The semantic conventions' advice for db.client.operation.duration, with finer
            # bounds below a millisecond for stores in memory.
            buckets=(0.00001, 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
        ),
    )
}

# Metrics that libraries declare, by prefix.
LIBRARY_METRICS: Final = {
    "django_db_": "django-prometheus: connections, statements, errors, durations of the databases",
    "django_cache_": "django-prometheus: gets, hits, misses and failures of the caches",
    "django_model_": "django-prometheus: inserts, updates and deletes of the models that opt in",
    "django_migrations_": "django-prometheus: migrations applied and not, when switched on",
    "process_": "prometheus_client: memory, CPU, file descriptors, start time (one worker only)",
    "python_gc_": "prometheus_client: garbage collections by generation (one worker only)",
    "python_info": "prometheus_client: the interpreter's version (one worker only)",
}

SPAN_ATTRIBUTES: Final = {
    ATTR_METHOD: "Method, one of RFC 9110's and RFC 5789's, else _OTHER.",
    ATTR_METHOD_ORIGINAL: "What the client sent where the method is _OTHER.",
    ATTR_STATUS: "Status of the response.",
    ATTR_HTTP_ROUTE: "Route template, in the one form /ports/{id}.",
    ATTR_ERROR_TYPE: "The status, where it is 500 or above.",
    ATTR_SERVER_ADDRESS: "Host that the client asked for, without the port.",
    ATTR_SERVER_PORT: "Port that the server listens on.",
    ATTR_CLIENT_ADDRESS: "Address of the client, as X-Forwarded-For of a trusted proxy tells it.",
    ATTR_CLIENT_PORT: "Port that the connection came from.",
    ATTR_SCHEME: "http, or https where a trusted proxy says so.",
    ATTR_URL_PATH: "Path that was asked for.",
    ATTR_URL_QUERY: "Query string; the values of secrets are replaced by REDACTED.",
    ATTR_PROTOCOL: "Version of HTTP.",
    ATTR_USER_AGENT: "User-Agent header.",
    ATTR_USER_AGENT_TYPE: "bot or test, where the User-Agent says so.",
    ATTR_REQUEST_ID: (
        "The request's id, flat and equal to the log field (the conventions' "
        "http.response.header.x-request-id is a list, which no search box matches)."
    ),
    ATTR_DB_SYSTEM: "What kind of store: memory or postgresql.",
    ATTR_DB_OPERATION: "Operation of the store, as get or page.",
}

LOG_FIELDS: Final = {
    LOG_TIMESTAMP: "RFC 3339 in UTC, microseconds.",
    LOG_LEVEL: "debug, info, warning, error or critical.",
    LOG_EVENT: "What happened: a dotted name, or a library's message.",
    LOG_LOGGER: "Name of the logger.",
    LOG_SERVICE: "Name of the service.",
    LOG_REQUEST_ID: "Id of the request being handled, where one is.",
    LOG_TRACE_ID: "Trace of the request, 32 hexadecimal digits.",
    LOG_SPAN_ID: "Span of the line, 16 hexadecimal digits.",
    LOG_EXCEPTION: "Object of type, message and stacktrace.",
    LOG_STACK: "Where the line was written, if it was asked for (stack_info).",
}

LOG_EVENTS: Final = {
    ACCESS_EVENT: (
        "A request was answered: method, route, path, status, duration_ms, queue_ms, bytes, "
        "client, user_agent; aborted when a stream broke. Probes at debug."
    ),
    WORKER_TIMEOUT_EVENT: "The arbiter killed a worker that stopped answering: pid.",
    REFUSED_EVENT: "What a client sent is no HTTP request: status, reason.",
    EXHAUSTED_EVENT: (
        "No further connection can be accepted for lack of file descriptors or memory, at most "
        "once a minute: connections, reason."
    ),
    STOCK_EVENT: "The accelerator is not used, the stock parts of OpenTelemetry serve: reason.",
    COLLECTOR_EVENT: (
        "The Collector rejected a part of what it was sent, or its answer was cut: to, rejected "
        "(spans, or points of metrics), reason. At most once a minute."
    ),
    START_REFUSED_EVENT: "The service does not start: reason.",
    SERVER_ERROR_EVENT: "A request failed by the service's fault: exception, or reason and cause.",
    FAULT_EVENT: "A fault on purpose begins, for a game day: fault, share, seconds.",
    FLUSH_TIMEOUT_EVENT: "Telemetry left in a worker was given up at its exit: seconds.",
}

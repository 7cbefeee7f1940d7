"""Names that ports emits beside those of every service (`telemetry.names`)."""

from typing import Final

from telemetry.names import OUTCOME, Declaration, Metric

PORTS_STORED: Final = "ports_stored"
PORTS_REVISION: Final = "ports_store_revision"
IMPORT_TIME: Final = "ports_import_last_timestamp_seconds"
IMPORT_DURATION: Final = "ports_import_last_duration_seconds"
IMPORT_PORTS: Final = "ports_import_last_ports"
IMPORTS: Final = "ports_imports_total"
RESULT: Final = "result"
OUTCOMES: Final = ("committed", "failed")
RESULTS: Final = ("created", "updated", "unchanged", "invalid")

IMPORT_EVENT: Final = "ports.import"

USE_CASES: Final = (
    "get_port",
    "list_ports",
    "stream_ports",
    "put_port",
    "delete_port",
    "import_ports",
)
STORE_OPERATIONS: Final = (
    "get",
    "page",
    "stream",
    "upsert_many",
    "put",
    "delete",
    "count",
    "revision",
)

DECLARED: Final = Declaration(
    metrics=(
        Metric(PORTS_STORED, "gauge", "{port}", "Ports held by the store.", merge="mostrecent"),
        Metric(
            PORTS_REVISION,
            "gauge",
            "1",
            "The store's revision: differs whenever the content does.",
            merge="mostrecent",
        ),
        Metric(
            IMPORT_TIME,
            "gauge",
            "s",
            "Unix time at which the last import with this outcome ended.",
            (OUTCOME,),
            merge="mostrecent",
            values={OUTCOME: OUTCOMES},
        ),
        Metric(IMPORT_DURATION, "gauge", "s", "Duration of the last import.", merge="mostrecent"),
        Metric(
            IMPORT_PORTS,
            "gauge",
            "{port}",
            "Ports of the last import, by what became of them.",
            (RESULT,),
            merge="mostrecent",
            values={RESULT: RESULTS},
        ),
        Metric(
            IMPORTS,
            "counter",
            "{import}",
            "Imports that ended.",
            (OUTCOME,),
            values={OUTCOME: OUTCOMES},
        ),
    ),
    spans={
        **dict.fromkeys(USE_CASES, "A use case."),
        **{f"{name} ports": "An operation on the store." for name in STORE_OPERATIONS},
    },
    events={
        IMPORT_EVENT: (
            "An import ended: outcome (committed, dry-run, failed), reason of a failure, created, "
            "updated, unchanged, invalid, duration_s."
        ),
    },
)

"""Names of the service `ports`. `telemetry.names` has the names of every service."""

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
        Metric(
            PORTS_STORED, "gauge", "{port}", "Number of ports in the store.", merge="mostrecent"
        ),
        Metric(
            PORTS_REVISION,
            "gauge",
            "1",
            "Revision of the store, which changes whenever the stored data changes.",
            merge="mostrecent",
        ),
        Metric(
            IMPORT_TIME,
            "gauge",
            "s",
            "End of the last import with this outcome, as Unix time.",
            (OUTCOME,),
            merge="mostrecent",
            values={OUTCOME: OUTCOMES},
        ),
        Metric(IMPORT_DURATION, "gauge", "s", "Duration of the last import.", merge="mostrecent"),
        Metric(
            IMPORT_PORTS,
            "gauge",
            "{port}",
            "Ports of the last import, by result.",
            (RESULT,),
            merge="mostrecent",
            values={RESULT: RESULTS},
        ),
        Metric(
            IMPORTS,
            "counter",
            "{import}",
            "Finished imports.",
            (OUTCOME,),
            values={OUTCOME: OUTCOMES},
        ),
    ),
    spans={
        **dict.fromkeys(USE_CASES, "Execution of a use case."),
        "cache": "Command to the shared cache.",
        **{f"{name} ports": "Store operation." for name in STORE_OPERATIONS},
    },
    events={
        IMPORT_EVENT: (
            "An import ended. Fields: outcome (committed, dry-run, failed), reason (of a failure), "
            "created, updated, unchanged, invalid, duration_s."
        ),
    },
)

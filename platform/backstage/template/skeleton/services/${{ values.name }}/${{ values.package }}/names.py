"""Names that the service emits beside those of every service (`telemetry.names`)."""

from typing import Final

from telemetry.names import OUTCOME, Declaration, Metric

LOOKUPS: Final = "${{ values.package }}_lookups_total"
FOUND: Final = "found"
UNKNOWN: Final = "unknown"

UNKNOWN_EVENT: Final = "${{ values.name }}.unknown"

DECLARED: Final = Declaration(
    metrics=(
        Metric(
            LOOKUPS,
            "counter",
            "{lookup}",
            "Items asked for, found or unknown.",
            (OUTCOME,),
            values={OUTCOME: (FOUND, UNKNOWN)},
        ),
    ),
    events={UNKNOWN_EVENT: "Somebody asked for an item that is not there: id."},
)

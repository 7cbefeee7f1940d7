"""Alerts about the backends of traces and logs, and about Grafana."""

from typing import Final

from slo.operations.alert import Alert, counted_today, rises

RUNBOOK: Final = "docs/runbooks/backends.md"

_LOKI: Final = "loki_request_duration_seconds"
_GRAFANA: Final = "grafana_http_request_duration_seconds"
_FAILED: Final = 'status_code=~"5.."'
_COMPACTED: Final = (
    "loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds"
)


def _native(histogram: str, selector: str) -> str:
    """Count by a native histogram, of which Prometheus keeps no series `_count`."""
    return f"histogram_count(rate({histogram}{selector}[5m]))"


def _either(histogram: str, selector: str) -> str:
    return f"{_native(histogram, selector)} or rate({histogram}_count{selector}[5m])"


def _failing(by: str, failed: str, all_: str) -> str:
    return f"sum by (job, {by}) ({failed})\n/ sum by (job, {by}) ({all_}) > 0.1"


ALERTS: Final = (
    Alert(
        "JaegerWritesFail",
        rises(
            "otelcol_exporter_send_failed_spans_total",
            "otelcol_receiver_refused_spans_total",
            window="5m",
            by="job",
        ),
        5,
        "Jaeger does not store spans",
        "The gateway's queue keeps spans until Jaeger accepts them again, or the queue is full.",
    ),
    Alert(
        "LokiDiscardsLines",
        rises("loki_discarded_samples_total", window="5m", by="job, reason"),
        5,
        "Loki discards lines",
        "Lines are lost: {{ $labels.reason }}.",
    ),
    Alert(
        "LokiDiskFails",
        rises(
            "loki_ingester_wal_disk_full_failures_total",
            "loki_ingester_checkpoint_creations_failed_total",
            "loki_ingester_chunks_flush_failures_total",
            window="15m",
        )
        + f"\nor\n{counted_today('loki_ingester_wal_corruptions_total')}",
        0,
        "Loki cannot write or read its disk or its object storage",
        "Lines that {{ $labels.pod }} has not stored as chunks are lost at a restart, or were "
        "lost at the last one.",
    ),
    Alert(
        "LokiRequestsFail",
        _failing("route", _native(_LOKI, f'{{{_FAILED}, route!="ready"}}'), _native(_LOKI, "")),
        10,
        "Loki answers with errors",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.route }} fail.",
    ),
    Alert(
        "LokiCompactionLate",
        f"time() - ({_COMPACTED} > 0) > 10800",
        15,
        "Loki compacted nothing for three hours",
        "Old lines are not deleted: the disk or the object storage fills.",
    ),
    Alert(
        "GrafanaFails",
        # Nobody asks Grafana in a test which kind of histogram it has.
        _failing("handler", _either(_GRAFANA, f"{{{_FAILED}}}"), _either(_GRAFANA, "")),
        10,
        "Grafana answers with errors",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.handler }} fail: "
        "dashboards are empty.",
    ),
)

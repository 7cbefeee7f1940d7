"""Alerts about Prometheus that kube-prometheus-stack does not have."""

from typing import Final

from slo.operations.alert import Alert, counted_today, rises

RUNBOOK: Final = "docs/runbooks/metrics.md"

_CORRUPTIONS: Final = "prometheus_tsdb_wal_corruptions_total"
_ON_DISK: Final = (
    "prometheus_tsdb_storage_blocks_bytes",
    "prometheus_tsdb_wal_storage_size_bytes",
    "prometheus_tsdb_head_chunks_storage_size_bytes",
)
_LATE: Final = "time() - prometheus_rule_group_last_evaluation_timestamp_seconds"

ALERTS: Final = (
    Alert(
        "PrometheusWalCorrupt",
        f"{counted_today(_CORRUPTIONS)}\nor\nincrease({_CORRUPTIONS}[1h]) > 0",
        0,
        "A write-ahead log of Prometheus is corrupt",
        "{{ $labels.pod }} lost samples that no block has yet: three hours of them at most.",
    ),
    Alert(
        "PrometheusDiskFails",
        rises(
            "prometheus_tsdb_wal_writes_failed_total",
            "prometheus_tsdb_wal_truncations_failed_total",
            "prometheus_tsdb_checkpoint_creations_failed_total",
            "prometheus_tsdb_head_truncations_failed_total",
            window="15m",
        ),
        0,
        "Prometheus cannot write its head to disk",
        "The write-ahead log of {{ $labels.pod }} grows until the disk is full, or samples are "
        "lost at the next restart.",
    ),
    Alert(
        "PrometheusDiskNearLimit",
        "(\n  "
        + "\n  + ".join(_ON_DISK)
        + "\n)\n/ (prometheus_tsdb_retention_limit_bytes > 0) > 0.9",
        15,
        "The data of Prometheus almost reaches retentionSize",
        "{{ $labels.pod }} is at {{ $value | humanizePercentage }} of its retentionSize. Above "
        "100 %, Prometheus deletes its oldest block, whatever `retention` says.",
    ),
    Alert(
        # Of every job: Thanos Ruler has these metrics as well.
        "RuleEvaluationLate",
        "prometheus_rule_group_last_duration_seconds\n"
        "> 0.8 * prometheus_rule_group_interval_seconds\nor\n"
        f"{_LATE} > 4 * prometheus_rule_group_interval_seconds",
        10,
        "Rules are evaluated too slowly, or not at all",
        "The group {{ $labels.rule_group }} needs almost its whole interval, or missed three "
        "evaluations. Its alerts are late, and recorded sums miss what lies between.",
    ),
)

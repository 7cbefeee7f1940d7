"""Faults of Prometheus, backends and deliveries, and the alerts that tell of them."""

from collections.abc import Iterator
from typing import Final

from tests.platform.charts import facts
from tests.platform.slo.collector_cases import GROUP, STARTED, case
from tests.platform.slo.own_alerts import Case, grows, named, observes, stays, target
from tests.platform.slo.thanos_cases import RULER

JOBS: Final = facts.read()["jobs"]
(ROLLOUTS,) = (job for job in JOBS if "rollouts" in job)
(ARGO_CD,) = (job for job in JOBS if job.endswith("application-controller-metrics"))
(LOKI,) = (job for job in JOBS if job.endswith("/loki"))
PROMETHEUS: Final = "prometheus-prometheus"
APP: Final = {
    "name": "ports-prod", "dest_namespace": "ports-prod", "exported_namespace": "argocd",
    "autosync_enabled": "true",
}  # fmt: skip
TOLD_OF_APP: Final = {
    "name": "ports-prod", "dest_namespace": "ports-prod", "namespace": "ports-prod",
}  # fmt: skip
ROLLOUT: Final = {"name": "ports", "exported_namespace": "ports-prod", "strategy": "canary"}
COMPACTED: Final = (
    "loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds"
)
WEBHOOK: Final = {"name": "validate.kyverno.svc-fail", "error_type": "calling_webhook_error"}


def cases() -> Iterator[Case]:
    """Yield a case for each way in which each alert can fire."""
    yield from _prometheus()
    yield from _backends()
    yield from _delivery()


def _prometheus() -> Iterator[Case]:
    of = target(PROMETHEUS)
    corrupt = named("prometheus_tsdb_wal_corruptions_total", of)
    started = {corrupt: stays(1), named(STARTED, of): stays(0)}
    yield case("PrometheusWalCorrupt", started, of)
    running = {corrupt: f"{'0 ' * 1500}1x60", named(STARTED, of): stays(0)}
    yield case("PrometheusWalCorrupt", running, of, 1530)
    for metric in ("wal_writes", "wal_truncations", "checkpoint_creations", "head_truncations"):
        failed = named(f"prometheus_tsdb_{metric}_failed_total", of)
        yield case("PrometheusDiskFails", {failed: grows()}, of)
    yield case("PrometheusDiskNearLimit", disk(95, 100), of)
    of_group = target(PROMETHEUS, **GROUP)
    yield case("RuleEvaluationLate", evaluation(14, "0+60x1600"), of_group)
    yield case("RuleEvaluationLate", evaluation(1, stays(0)), of_group)


def disk(used: float, limit: float) -> dict[str, str]:
    """Return the series about the disk of Prometheus."""
    names = ("storage_blocks_bytes", "wal_storage_size_bytes", "head_chunks_storage_size_bytes")
    return {
        **{named(f"prometheus_tsdb_{each}", target(PROMETHEUS)): stays(used / 3) for each in names},
        named("prometheus_tsdb_retention_limit_bytes", target(PROMETHEUS)): stays(limit),
    }


def evaluation(lasts: float, last: str, job: str = PROMETHEUS) -> dict[str, str]:
    """Return the series about a group that is due every 15 s."""
    of = target(job, **GROUP)
    return {
        named("prometheus_rule_group_interval_seconds", of): stays(15),
        named("prometheus_rule_group_last_duration_seconds", of): stays(lasts),
        named("prometheus_rule_group_last_evaluation_timestamp_seconds", of): last,
    }


def _backends() -> Iterator[Case]:
    for metric in (
        "otelcol_exporter_send_failed_spans_total",
        "otelcol_receiver_refused_spans_total",
    ):
        yield case(
            "JaegerWritesFail", {named(metric, target("jaeger")): grows()}, {"job": "jaeger"}
        )
    discarded = named("loki_discarded_samples_total", target(LOKI, reason="rate_limited"))
    told = {"job": LOKI, "reason": "rate_limited"}
    yield case("LokiDiscardsLines", {discarded: grows()}, told)
    of = target(LOKI)
    for metric in (
        "wal_disk_full_failures",
        "checkpoint_creations_failed",
        "chunks_flush_failures",
    ):
        yield case("LokiDiskFails", {named(f"loki_ingester_{metric}_total", of): grows()}, of)
    segment = target(LOKI, type="segment")
    corrupt = {named("loki_ingester_wal_corruptions_total", segment): stays(1)}
    yield case("LokiDiskFails", {**corrupt, named(STARTED, of): stays(0)}, segment)
    told = {"job": LOKI, "route": "otlp_v1_logs"}
    yield case("LokiRequestsFail", requests_of_loki(20), told)
    yield case("LokiCompactionLate", {named(COMPACTED, of): stays(60)}, of, 220)
    told = {"job": "grafana", "handler": "/api/ds/query"}
    for native in (True, False):
        yield case("GrafanaFails", requests_of_grafana(20, native=native), told)


def requests_of_loki(failed: float) -> dict[str, str]:
    """Return 80 answered requests a minute, and some that failed; a native histogram has them."""
    of = target(LOKI, route="otlp_v1_logs")
    return {
        named("loki_request_duration_seconds", {**of, "status_code": code}): observes(count)
        for code, count in (("204", 80), ("500", failed))
    }


def requests_of_grafana(failed: float, *, native: bool) -> dict[str, str]:
    """Return the same of Grafana, in either kind of histogram."""
    of = target("grafana", handler="/api/ds/query")
    name = "grafana_http_request_duration_seconds" + ("" if native else "_count")
    return {
        named(name, {**of, "status_code": code}): observes(count) if native else grows(count)
        for code, count in (("204", 80), ("500", failed))
    }


def _delivery() -> Iterator[Case]:
    held = {named("rollout_info", target(ROLLOUTS, phase="Paused", **ROLLOUT)): stays(1)}
    told = {"exported_namespace": "ports-prod", "name": "ports", "namespace": "ports-prod"}
    yield case("RolloutHeld", held, told)
    for status in ("OutOfSync", "Unknown"):
        yield case("ArgoAppOutOfSync", app(sync_status=status), TOLD_OF_APP)
    for health in ("Degraded", "Missing", "Unknown"):
        yield case("ArgoAppUnhealthy", app(health_status=health), TOLD_OF_APP)
    job, repo = "argocd-repo-server-metrics", "https://example.org/platform"
    for metric in ("lsremote", "fetch"):
        failed = named(f"argocd_git_{metric}_fail_total", target(job, repo=repo, revision="HEAD"))
        yield case("ArgoReadsNoGit", {failed: grows()}, {"job": job, "repo": repo})
    rejected = named("apiserver_admission_webhook_rejection_count", target("apiserver", **WEBHOOK))
    told = {"job": "apiserver", "name": WEBHOOK["name"]}
    yield case("AdmissionFails", {rejected: grows()}, told)


def app(**labels: str) -> dict[str, str]:
    """Return the series about an application, healthy but for some labels."""
    own = {"sync_status": "Synced", "health_status": "Healthy", **APP, **labels}
    return {named("argocd_app_info", target(ARGO_CD, **own)): stays(1)}


def quiet() -> dict[str, str]:
    """Return series of a platform that is well, near what the alerts ask for."""
    loki = target(LOKI)
    rejected = {**WEBHOOK, "error_type": "no_error", "rejection_code": "400"}
    return {
        **disk(85, 100),
        **evaluation(10, "0+60x1600"),
        **evaluation(10, "0+60x1600", RULER),
        **requests_of_loki(2),
        **requests_of_grafana(2, native=True),
        **app(),
        # Without self-healing, a person has changed it.
        **app(name="ports-dev", autosync_enabled="false", sync_status="OutOfSync"),
        named("prometheus_tsdb_wal_corruptions_total", target(PROMETHEUS)): stays(0),
        # Prometheus' own failures: kube-prometheus-stack has an alert about them.
        named("prometheus_rule_evaluation_failures_total", target(PROMETHEUS, **GROUP)): grows(),
        named(COMPACTED, loki): stays(0),  # no pass since the start
        named("loki_ingester_wal_disk_full_failures_total", loki): stays(7),
        named("loki_discarded_samples_total", target(LOKI, reason="rate_limited")): stays(7),
        named("apiserver_admission_webhook_rejection_count", target("apiserver", **rejected)):
            grows(),
        # A version that goes on, and one that a person lets go on after ten minutes.
        named("rollout_info", target(ROLLOUTS, phase="Progressing", **ROLLOUT)): stays(1),
        named("rollout_info", target(ROLLOUTS, phase="Paused", **ROLLOUT)): "1x10 _x20",
    }  # fmt: skip

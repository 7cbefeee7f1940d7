"""Faults of Prometheus, Thanos, backends and deliveries, and the alerts that tell of them."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.platform.charts import facts
from tests.platform.slo.collector_cases import HEALTHY
from tests.platform.slo.own_alerts import Case, grows, named, stays, target

JOBS: Final = facts.read()["jobs"]
(ROLLOUTS,) = (job for job in JOBS if "rollouts" in job)
(ARGO_CD,) = (job for job in JOBS if job.endswith("application-controller-metrics"))
(LOKI,) = (job for job in JOBS if "loki" in job)
PROMETHEUS: Final = "prometheus-prometheus"
STARTED: Final = "process_start_time_seconds"
GROUP: Final = {"rule_group": "/etc/rules/ports.yaml;slo-ports-availability"}
QUERY: Final = "thanos-query"
RULER: Final = "prometheus-thanos-ruler"
SIDECAR: Final = "prometheus-thanos-discovery"
COMPACTOR: Final = "thanos-compactor"
QUERY_PODS: Final = {"namespace": "observability", "deployment": "thanos-query"}
RULER_PODS: Final = {"namespace": "observability", "statefulset": "thanos-ruler-prometheus"}
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


def case(
    alert: str, inputs: Mapping[str, str], labels: Mapping[str, str], minutes: int = 40
) -> Case:
    """Make a case in a platform whose Collectors are healthy."""
    return Case(alert, {**HEALTHY, **inputs}, labels, minutes)


def cases() -> Iterator[Case]:
    """Yield a case for each way in which each alert can fire."""
    yield from _prometheus()
    yield from _thanos()
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


def _thanos() -> Iterator[Case]:
    yield case("ThanosDown", thanos_pods(0, 2), {**QUERY_PODS, "job": "kube-state-metrics"})
    yield case("ThanosDown", thanos_pods(2, 0), {**RULER_PODS, "job": "kube-state-metrics"})
    ruler, of_group = target(RULER), target(RULER, **GROUP)
    is_ruler = {named("thanos_alert_queue_capacity", ruler): stays(10_000)}
    failed = {named("prometheus_rule_evaluation_failures_total", of_group): grows()}
    yield case("ThanosRulerFails", {**is_ruler, **failed}, of_group)
    for metric in ("sender", "queue"):
        dropped = named(f"thanos_alert_{metric}_alerts_dropped_total", ruler)
        yield case("ThanosRulerIsSilent", {dropped: grows()}, ruler)
    warned = target(RULER, strategy="warn")
    partial = {named("thanos_rule_evaluation_with_warnings_total", warned): grows()}
    yield case("ThanosRulerPartial", partial, warned)
    yield from _queries()
    bucket = target(COMPACTOR, operation="get")
    refused = {
        named("thanos_objstore_bucket_operations_total", bucket): grows(10),
        named("thanos_objstore_bucket_operation_failures_total", bucket): grows(1),
    }
    yield case("ThanosBucketFails", refused, {"job": COMPACTOR})
    of = target(SIDECAR)
    idle = {named("thanos_shipper_uploads_total", of): stays(3), named(STARTED, of): stays(0)}
    yield case("ThanosUploadsNothing", idle, of, 360)
    of = target(COMPACTOR)
    yield case("ThanosCompactHalted", {named("thanos_compact_halted", of): stays(1)}, of)
    late = {named("thanos_compact_iterations_total", of): stays(3), named(STARTED, of): stays(0)}
    yield case("ThanosCompactLate", late, of, 800)


def thanos_pods(query: float, ruler: float) -> dict[str, str]:
    """Return what Kubernetes says of the pods of Thanos that are ready."""
    state = {"job": "kube-state-metrics"}
    deployment, statefulset = {**QUERY_PODS, **state}, {**RULER_PODS, **state}
    return {
        named("kube_deployment_spec_replicas", deployment): stays(2),
        named("kube_deployment_status_replicas_available", deployment): stays(query),
        named("kube_statefulset_replicas", statefulset): stays(2),
        named("kube_statefulset_status_replicas_ready", statefulset): stays(ruler),
    }


def queries(busy: float, **codes: float) -> dict[str, str]:
    """Return the series about queries of Thanos Query, by status as in `ok=90, failed=10`."""
    of = target(QUERY)
    http = {"handler": "query", "method": "get"}
    status = {"ok": "200", "failed": "422", "broken": "503", "refused": "400"}
    grpc = {"ok": "OK", "failed": "Unavailable", "canceled": "Canceled"}
    found = {
        named("thanos_query_concurrent_gate_queries_in_flight", of): stays(busy),
        named("thanos_query_concurrent_gate_queries_max", of): stays(20),
        named("grpc_client_started_total", of): grows(100),
    }
    for name, step in codes.items():
        is_grpc, key = name.startswith("grpc_"), name.removeprefix("grpc_")
        labels = (
            target(QUERY, grpc_code=grpc[key])
            if is_grpc
            else target(QUERY, **http, code=status[key])
        )
        metric = "grpc_client_handled_total" if is_grpc else "http_requests_total"
        found[named(metric, labels)] = grows(step)
    return found


def _queries() -> Iterator[Case]:
    told = {"job": QUERY}
    for codes in ({"failed": 10.0}, {"broken": 10.0}, {"grpc_failed": 10.0}):
        yield case("ThanosQueryFails", queries(3, ok=90, grpc_ok=90, **codes), told)
    yield case("ThanosQueryFull", queries(20, ok=90), target(QUERY))


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
    yield case("LokiRequestsFail", requests(LOKI, "loki_request_duration_seconds", 20), told)
    yield case("LokiCompactionLate", {named(COMPACTED, of): stays(60)}, of, 220)
    told = {"job": "grafana", "handler": "/api/ds/query"}
    failed = requests("grafana", "grafana_http_request_duration_seconds", 20)
    yield case("GrafanaFails", failed, told)


def requests(job: str, metric: str, failed: float) -> dict[str, str]:
    """Return 80 answered requests a minute of Loki or Grafana, and some that failed."""
    label = {"handler": "/api/ds/query"} if job == "grafana" else {"route": "otlp_v1_logs"}
    return {
        named(f"{metric}_count", target(job, status_code="204", **label)): grows(80),
        named(f"{metric}_count", target(job, status_code="500", **label)): grows(failed),
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
        **thanos_pods(1, 1),
        **queries(19, ok=98, failed=2, refused=50, grpc_ok=50, grpc_canceled=50),
        **requests(LOKI, "loki_request_duration_seconds", 2),
        **requests("grafana", "grafana_http_request_duration_seconds", 2),
        **app(),
        # Without self-healing, a person has changed it.
        **app(name="ports-dev", autosync_enabled="false", sync_status="OutOfSync"),
        named("prometheus_tsdb_wal_corruptions_total", target(PROMETHEUS)): stays(0),
        # Prometheus' own failures: kube-prometheus-stack has an alert about them.
        named("prometheus_rule_evaluation_failures_total", target(PROMETHEUS, **GROUP)): grows(),
        named("thanos_alert_queue_capacity", target(RULER)): stays(10_000),
        named("prometheus_rule_evaluation_failures_total", target(RULER, **GROUP)): stays(7),
        named("thanos_shipper_uploads_total", target(SIDECAR)): "0+1x1600",
        named("thanos_compact_halted", target(COMPACTOR)): stays(0),
        named(STARTED, target(COMPACTOR)): stays(0),
        named("thanos_compact_iterations_total", target(COMPACTOR)): grows(),
        named(COMPACTED, loki): stays(0),  # no pass since the start
        named("loki_ingester_wal_disk_full_failures_total", loki): stays(7),
        named("loki_discarded_samples_total", target(LOKI, reason="rate_limited")): stays(7),
        named("apiserver_admission_webhook_rejection_count", target("apiserver", **rejected)):
            grows(),
        # A version that goes on, and one that a person lets go on after ten minutes.
        named("rollout_info", target(ROLLOUTS, phase="Progressing", **ROLLOUT)): stays(1),
        named("rollout_info", target(ROLLOUTS, phase="Paused", **ROLLOUT)): "1x10 _x20",
    }  # fmt: skip

"""Faults of Thanos, and the alerts that tell of them."""

from collections.abc import Iterator
from typing import Final

from tests.platform.charts import facts
from tests.platform.slo.collector_cases import GROUP, STARTED, case
from tests.platform.slo.own_alerts import Case, grows, named, stays, target

JOBS: Final = facts.read()["jobs"]
(QUERY,) = (job for job in JOBS if "thanos-query" in job)
(RULER,) = (job for job in JOBS if "thanos-ruler" in job)
(SIDECAR,) = (job for job in JOBS if "thanos-discovery" in job)
(COMPACTOR,) = (job for job in JOBS if "thanos-compact" in job)
QUERY_PODS: Final = {"namespace": "observability", "deployment": "thanos-query"}
RULER_PODS: Final = {"namespace": "observability", "statefulset": "thanos-ruler-prometheus"}


def cases() -> Iterator[Case]:
    """Yield a case for each way in which each alert can fire."""
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


def quiet() -> dict[str, str]:
    """Return series of Thanos while all is well, near what the alerts ask for."""
    return {
        **thanos_pods(1, 1),
        **queries(19, ok=98, failed=2, refused=50, grpc_ok=50, grpc_canceled=50),
        named("thanos_alert_queue_capacity", target(RULER)): stays(10_000),
        named("prometheus_rule_evaluation_failures_total", target(RULER, **GROUP)): stays(7),
        named("thanos_shipper_uploads_total", target(SIDECAR)): grows(),
        named("thanos_compact_halted", target(COMPACTOR)): stays(0),
        named(STARTED, target(COMPACTOR)): stays(0),
        named("thanos_compact_iterations_total", target(COMPACTOR)): grows(),
    }

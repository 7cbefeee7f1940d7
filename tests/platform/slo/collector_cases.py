"""Faults of Collectors and targets, and the alerts that tell of them."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.platform.charts import facts
from tests.platform.slo.own_alerts import Case, grows, named, stays, target

(GATEWAY,) = (job for job in facts.read()["jobs"] if "otel-gateway" in job)
(AGENT,) = (job for job in facts.read()["jobs"] if "otel-agent" in job)
DAEMONSET: Final = {
    "namespace": "observability", "daemonset": "otel-agent-agent", "job": "kube-state-metrics",
}  # fmt: skip
OF_PORTS: Final = {"service_name": "ports", "deployment_environment_name": "prod"}
EXPORTER: Final = {"exporter": "otlp_grpc/jaeger"}
QUEUE: Final = {**EXPORTER, "data_type": "traces"}
RECEIVER: Final = {"receiver": "otlp"}
SIGNALS: Final = ("spans", "log_records", "metric_points")
READY: Final = named("kube_daemonset_status_number_ready", DAEMONSET)
UP: Final = {named("up", target(job)): stays(1) for job in (AGENT, GATEWAY)}
# Both Collectors answer, and every node has an agent.
HEALTHY: Final = {
    **UP,
    named("kube_daemonset_status_desired_number_scheduled", DAEMONSET): stays(3),
    READY: stays(3),
}
STARTED: Final = "process_start_time_seconds"
GROUP: Final = {"rule_group": "/etc/rules/ports.yaml;slo-ports-availability"}
SHARES: Final = "otelcol_loadbalancer_backend_outcome"
PEER: Final = {"exported_endpoint": "otel-gateway-0.otel-gateway:4317"}
FORGOTTEN: Final = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"
POOL: Final = target("prometheus-prometheus", scrape_job="serviceMonitor/ports-prod/ports/0")


def case(
    alert: str, inputs: Mapping[str, str], labels: Mapping[str, str], minutes: int = 40
) -> Case:
    """Make a case in a platform whose Collectors are healthy."""
    return Case(alert, {**HEALTHY, **inputs}, labels, minutes)


def of_pod(metric: str, pod: str) -> str:
    """Name a series that Prometheus adds to a pod of a service."""
    return named(metric, {"job": "ports", "namespace": "ports-prod", "pod": pod, **OF_PORTS})


def queue(job: str, size: str, capacity: float = 1000) -> dict[str, str]:
    """Return the series of a Collector's queue."""
    return {
        named("otelcol_exporter_queue_size", target(job, **QUEUE)): size,
        named("otelcol_exporter_queue_capacity", target(job, **QUEUE)): stays(capacity),
    }


def pool(targets: float, limit: float) -> dict[str, str]:
    """Return the series about the targets of one monitor."""
    return {
        named("prometheus_target_scrape_pool_targets", POOL): stays(targets),
        named("prometheus_target_scrape_pool_target_limit", POOL): stays(limit),
    }


def cases() -> Iterator[Case]:
    """Yield a case for each way in which each alert can fire."""
    for job in (AGENT, GATEWAY):
        own = named("up", target(job))
        yield Case("CollectorDown", {**HEALTHY, own: stays(0)}, target(job))
        rest = {name: course for name, course in HEALTHY.items() if name != own}
        yield Case("CollectorDown", rest, {"job": job})
        yield from _telemetry(job)
    yield Case("CollectorDown", {**HEALTHY, READY: stays(2)}, DAEMONSET)
    failed = named(SHARES, target(AGENT, **PEER, success="false"))
    yield Case("CollectorMissesGateway", {**HEALTHY, failed: grows()}, {"job": AGENT, **PEER})
    forgotten = named(FORGOTTEN, target(GATEWAY))
    yield Case("CollectorForgetsTraces", {**HEALTHY, forgotten: grows()}, {"job": GATEWAY})
    for pod, samples in (("ports-1", 9_100), ("ports-2", 12_000)):
        exposed = {
            of_pod("scrape_sample_limit", pod): stays(10_000),
            of_pod("scrape_samples_post_metric_relabeling", pod): stays(samples),
            of_pod("scrape_sample_limit", "ports-0"): stays(10_000),
            of_pod("scrape_samples_post_metric_relabeling", "ports-0"): stays(700),
        }
        yield Case("SeriesNearLimit", {**HEALTHY, **exposed}, {"job": "ports", **OF_PORTS})
    yield Case("TargetsNearLimit", {**HEALTHY, **pool(950, 1000)}, POOL)


def _telemetry(job: str) -> Iterator[Case]:
    """Yield the cases of one kind of Collector."""
    for size in (stays(600), "110+12x60"):  # more than half full; full within an hour
        inputs = {**HEALTHY, **queue(job, size)}
        yield Case("CollectorQueueFilling", inputs, target(job, **QUEUE), 30)
    for signal in SIGNALS:
        lost = named(f"otelcol_exporter_send_failed_{signal}", target(job, **EXPORTER))
        yield Case("CollectorLosesData", {**HEALTHY, lost: grows()}, {"job": job, **EXPORTER})
        refused = named(f"otelcol_receiver_refused_{signal}", target(job, **RECEIVER))
        yield Case("CollectorRefusesData", {**HEALTHY, refused: grows()}, {"job": job, **RECEIVER})


def quiet() -> dict[str, str]:
    """Return series of a platform that is well, near what the alerts ask for."""
    return {
        **HEALTHY,
        **queue(GATEWAY, stays(400)),
        **queue(AGENT, "100+0.2x1600"),  # fills within a day
        **pool(800, 1000),
        named("otelcol_receiver_refused_spans", target(GATEWAY, **RECEIVER)): stays(7),
        named("otelcol_exporter_send_failed_spans", target(GATEWAY, **EXPORTER)): stays(7),
        named(SHARES, target(AGENT, **PEER, success="true")): grows(),
        named(FORGOTTEN, target(GATEWAY)): stays(7),
        of_pod("scrape_samples_post_metric_relabeling", "ports-0"): stays(8900),
        of_pod("scrape_sample_limit", "ports-0"): stays(10_000),
        # A target without a limit.
        of_pod("scrape_samples_post_metric_relabeling", "ports-1"): stays(99_000),
        of_pod("scrape_sample_limit", "ports-1"): stays(0),
    }

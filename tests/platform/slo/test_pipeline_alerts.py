"""The platform's own alerts fire with the labels that targets have in a cluster, and stay quiet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stack import values

from tests.platform.charts import facts
from tests.platform.slo.real import run, tool

RULES = values.GENERATED / "platform" / "rules.yaml"
(GATEWAY,) = (job for job in facts.read()["jobs"] if "gateway" in job)
(AGENT,) = (job for job in facts.read()["jobs"] if "agent" in job)
DAEMONSET = 'namespace="observability", daemonset="otel-agent-agent", job="kube-state-metrics"'
(ROLLOUTS,) = (job for job in facts.read()["jobs"] if "rollouts" in job)
ROLLOUT = {"name": "ports", "exported_namespace": "ports-prod", "strategy": "canary"}
BY_EXPORTER = {"exporter": "otlp_grpc/jaeger", "data_type": "traces"}
BY_RECEIVER = {"receiver": "otlp", "transport": "grpc"}
OF_PORTS = {"service_name": "ports", "deployment_environment_name": "prod"}
# For each alert: what happens, and the labels that tell of it.
Case = tuple[str, dict[str, str], dict[str, str]]


def series(metric: str, job: str, **labels: str) -> str:
    """Name a series as the Collector's target gives it."""
    target = {
        "job": job,
        "namespace": "observability",
        "pod": f"{job.rsplit('/', maxsplit=1)[-1]}-0",
    }
    target |= {"instance": "10.0.0.2:8888", "endpoint": "metrics"} | labels
    rendered = ", ".join(f'{name}="{value}"' for name, value in target.items())
    return f"{metric}{{{rendered}}}"


UP = {series("up", AGENT): "1x60", series("up", GATEWAY): "1x60"}
NODES = {
    f"kube_daemonset_status_desired_number_scheduled{{{DAEMONSET}}}": "3x60",
    f"kube_daemonset_status_number_ready{{{DAEMONSET}}}": "3x60",
}


def of_target(job: str) -> dict[str, str]:
    """Labels of a target's own alert."""
    text = series("up", job)[3:-1]
    return dict(pair.replace('"', "").split("=") for pair in text.split(", "))


def cases() -> Iterator[Case]:
    """Yield a case for each way in which each alert can fire."""
    for job in (AGENT, GATEWAY):
        yield "CollectorDown", {**UP, **NODES, series("up", job): "0x60"}, of_target(job)
        rest = {name: values for name, values in UP.items() if job not in name}
        yield "CollectorDown", {**rest, **NODES}, {"job": job}
    ready = f"kube_daemonset_status_number_ready{{{DAEMONSET}}}"
    labels = dict(pair.replace('"', "").split("=") for pair in DAEMONSET.split(", "))
    yield "CollectorDown", {**UP, **NODES, ready: "2x60"}, labels
    for job in (AGENT, GATEWAY):
        filling = {
            series("otelcol_exporter_queue_size", job, **BY_EXPORTER): "60x60",
            series("otelcol_exporter_queue_capacity", job, **BY_EXPORTER): "100x60",
        }
        yield "CollectorQueueFilling", {**UP, **NODES, **filling}, of_target(job) | BY_EXPORTER
        for signal in ("spans", "log_records", "metric_points"):
            exporter = {key: BY_EXPORTER[key] for key in ("exporter",)}
            name = series(f"otelcol_exporter_send_failed_{signal}", job, **exporter)
            yield "CollectorLosesData", {**UP, **NODES, name: "0+1x60"}, {"job": job, **exporter}
            name = series(f"otelcol_receiver_refused_{signal}", job, **BY_RECEIVER)
            told = {"job": job, "receiver": BY_RECEIVER["receiver"]}
            yield "CollectorRefusesData", {**UP, **NODES, name: "0+1x60"}, told
    held = series("rollout_info", ROLLOUTS, phase="Paused", **ROLLOUT)
    told = {"exported_namespace": "ports-prod", "name": "ports", "namespace": "ports-prod"}
    yield "RolloutHeld", {**UP, **NODES, held: "1x60"}, told

    service = {"job": "ports", **OF_PORTS}
    for pod, samples in (("ports-1", 9_100), ("ports-2", 12_000)):
        exposed = of_pod("scrape_samples_post_metric_relabeling", pod)
        limits = {
            of_pod("scrape_sample_limit", pod): "10000x60",
            of_pod("scrape_samples_post_metric_relabeling", "ports-0"): "700x60",
        }
        limits |= {of_pod("scrape_sample_limit", "ports-0"): "10000x60"}
        yield "SeriesNearLimit", {**UP, **NODES, **limits, exposed: f"{samples}x60"}, service


def of_pod(metric: str, pod: str) -> str:
    """Name a series that Prometheus adds to a pod of a service."""
    labels = {"job": "ports", "namespace": "ports-prod", "pod": pod, **OF_PORTS}
    rendered = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{rendered}}}"


def checked(folder: Path, inputs: dict[str, str], expected: dict[str, list[dict[str, str]]]) -> str:
    """Let promtool say whether exactly these alerts fire after half an hour."""
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in inputs.items()],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{alert}", alertstate="firing"}}',
                "eval_time": "30m",
                "exp_samples": [
                    {"value": 1, "labels": sample(alert, labels)} for labels in expected[alert]
                ],
            }
            for alert in expected
        ],
    }
    file = folder / "rules.test.yaml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [test]}))
    return run(tool("promtool"), "test", "rules", str(file))


def sample(alert: str, labels: dict[str, str]) -> str:
    """Name the series of a firing alert."""
    told = {**labels, "alertname": alert, "alertstate": "firing", "severity": "ticket"}
    rendered = ", ".join(f'{name}="{value}"' for name, value in told.items())
    return f"ALERTS{{{rendered}}}"


ALERTS = (
    "CollectorDown",
    "CollectorQueueFilling",
    "CollectorLosesData",
    "CollectorRefusesData",
    "SeriesNearLimit",
    "RolloutHeld",
)


@pytest.mark.parametrize(("alert", "inputs", "labels"), list(cases()))
def test_it_fires_and_no_other_does(
    tmp_path: Path, alert: str, inputs: dict[str, str], labels: dict[str, str]
) -> None:
    expected = {name: [labels] if name == alert else [] for name in ALERTS}
    assert "SUCCESS" in checked(tmp_path, inputs, expected)


def test_all_is_quiet_while_all_is_well(tmp_path: Path) -> None:
    counters = {
        series("otelcol_exporter_queue_size", GATEWAY, **BY_EXPORTER): "40x60",
        series("otelcol_exporter_queue_capacity", GATEWAY, **BY_EXPORTER): "100x60",
        series("otelcol_receiver_refused_spans", GATEWAY, **BY_RECEIVER): "7x60",
        series("otelcol_exporter_send_failed_spans", GATEWAY, exporter="otlp_grpc/jaeger"): "7x60",
        of_pod("scrape_samples_post_metric_relabeling", "ports-0"): "8900x60",
        of_pod("scrape_sample_limit", "ports-0"): "10000x60",
        # A target without a limit.
        of_pod("scrape_samples_post_metric_relabeling", "ports-1"): "99000x60",
        of_pod("scrape_sample_limit", "ports-1"): "0x60",
        # A version that goes on, and one that a person lets go on after ten minutes.
        series("rollout_info", ROLLOUTS, phase="Progressing", **ROLLOUT): "1x60",
        series("rollout_info", ROLLOUTS, phase="Paused", **ROLLOUT): "1x10 _x20",
    }
    silent: dict[str, list[dict[str, str]]] = {name: [] for name in ALERTS}
    assert "SUCCESS" in checked(tmp_path, {**UP, **NODES, **counters}, silent)


def test_every_alert_of_the_platform_has_a_case() -> None:
    rules = [rule for group in values.pipeline_rules()["groups"] for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} == set(ALERTS) == {alert for alert, _, _ in cases()}

"""Prometheus, Alertmanager, Jaeger and Loki in the cluster, as the upstream charts release them."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from stack import values
from stack.errors import StackError

from tests.e2e.backends import Backends, eventually
from tests.node import charts
from tests.node.backends import Places
from tests.node.node import OBSERVABILITY, OBSERVABILITY_LEVEL, Node
from tests.support import owners
from tests.terminal import attempt

pytestmark = [
    pytest.mark.skipif(not charts.ARE_REAL, reason="needs the upstream charts: CHART_STORE=DIR"),
    pytest.mark.usefixtures("observability"),
]
PODS = 9
SETTLED_SECONDS = (
    240  # the operator's reload, then an evaluation of the rules that are due every 3 min
)
HERE = f"--namespace={OBSERVABILITY}"
# Pods that no stricter level of Pod Security allows: they read the node's files.
READ_THE_NODE = {"otel-agent-agent", "prometheus-prometheus-node-exporter"}
# Monitors without a target here, and why.
WITHOUT_TARGETS = {
    "argocd": "Argo CD is not released here: make e2e-cluster does that",
}
# Alerts that may be active, and why.
MAY_BE_ACTIVE = {
    "Watchdog": "it always fires",
    "InfoInhibitor": "it fires beside each alert that only informs",
    "PrometheusMissingRuleEvaluations": "the hastened rules are due 60 times as often as others",
    "RuleEvaluationLate": "for the same reason",
    "KubeAPIErrorBudgetBurn": "the API server answers slowly while the machine is busy",
    "KubePersistentVolumeFillingUp": "the volumes share the disk of the machine",
}
# Its alerts tell of the machine that runs the tests: its load, its clock, its disk.
ABOUT_THE_MACHINE = "node-exporter"


def ask(backends: Backends, path: str, **query: str) -> Any:
    """Ask Prometheus, and return its `data`."""
    answer = backends.http.get(f"{backends.at.url('prometheus')}/api/v1/{path}", params=query)
    return answer.raise_for_status().json()["data"]


def active(backends: Backends) -> set[str]:
    """Alerts about the platform whose expression holds, whether they fire already or not."""
    found = (labels for labels, _ in backends.series("ALERTS"))
    about = {each["alertname"] for each in found if each.get("job") != ABOUT_THE_MACHINE}
    return about - set(MAY_BE_ACTIVE)


def delete_pod(node: Node, name: str) -> None:
    """Delete a pod of a StatefulSet, and wait until another one is ready in its place."""
    before = node.get("pod", name, HERE)["metadata"]["uid"]
    node.kubectl("delete", "pod", name, HERE)
    node.kubectl("rollout", "status", f"statefulset/{name.removesuffix('-0')}", HERE)
    assert node.get("pod", name, HERE)["metadata"]["uid"] != before


def test_every_pod_is_ready_and_only_two_need_the_pod_security_level_of_the_namespace(
    node: Node, typed: Mapping[str, str]
) -> None:
    level = f"pod-security.kubernetes.io/enforce: {OBSERVABILITY_LEVEL}"
    assert level in (values.PLATFORM / "argocd/apps/templates/platform.yaml").read_text()
    ready = {
        pod["metadata"]["name"]: each["status"]
        for pod in node.get("pods", HERE)
        for each in pod["status"]["conditions"]
        if each["type"] == "Ready"
    }
    print(f"{len(ready)} pods: {', '.join(sorted(ready))}")
    assert len(ready) >= PODS
    assert set(ready.values()) == {"True"}
    stricter = "pod-security.kubernetes.io/enforce=baseline --overwrite --dry-run=server"
    code, said = attempt(f"kubectl label namespace {OBSERVABILITY} {stricter}", env=typed)
    assert code == 0
    refused = {name for name in ready if f" {name}" in said}
    assert {name.rpartition("-")[0] for name in refused} == READ_THE_NODE, said


def test_every_target_that_the_operator_generated_is_up(
    node: Node, observability: Places, backends: Backends
) -> None:
    declared = {
        f"{kind}/{each['metadata']['namespace']}/{each['metadata']['name']}/{number}"
        for kind, field in (("serviceMonitor", "endpoints"), ("podMonitor", "podMetricsEndpoints"))
        for each in node.get(f"{kind}s".lower(), HERE)
        for number in range(len(each["spec"][field]))
    }

    def up() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(backends, "targets", state="active")["activeTargets"]
        down = [each for each in found if each["health"] != "up"]
        assert [f"{each['scrapeUrl']}: {each['lastError']}" for each in down] == []
        pools = {each["scrapePool"] for each in found}
        assert {pool.split("/")[2] for pool in declared - pools} == set(WITHOUT_TARGETS)
        return found

    targets = eventually(up, SETTLED_SECONDS)
    print(f"{len(targets)} targets up")


def test_prometheus_has_every_rule_and_the_operator_refuses_a_broken_one(
    node: Node, observability: Places, backends: Backends
) -> None:
    rules = node.get("prometheusrules", HERE)
    declared = {group["name"] for each in rules for group in each["spec"]["groups"]}

    def is_loaded() -> bool:
        assert declared <= {group["name"] for group in ask(backends, "rules")["groups"]}
        return True

    eventually(is_loaded, SETTLED_SECONDS)
    print(f"{len(rules)} PrometheusRules, {len(declared)} groups")
    assert "pipeline" in declared
    (broken,) = (each for each in rules if each["metadata"]["name"] == "slo-platform")
    broken["spec"]["groups"][0]["rules"][0]["expr"] = "sum("
    broken["metadata"] = {"name": "broken", "namespace": OBSERVABILITY}
    with pytest.raises(StackError, match="could not parse expression"):
        node.apply([broken])


def test_alerts_about_a_healthy_platform_are_silent(
    observability: Places, backends: Backends
) -> None:
    known = {rule["name"] for group in ask(backends, "rules")["groups"] for rule in group["rules"]}
    assert {"CollectorDown", "TargetDown", "KubePodNotReady", *MAY_BE_ACTIVE} <= known

    begin = datetime.now(UTC)

    def silent() -> bool:
        groups = ask(backends, "rules")["groups"]
        assert all(datetime.fromisoformat(each["lastEvaluation"]) > begin for each in groups)
        assert active(backends) == set()
        return True

    eventually(silent, SETTLED_SECONDS)
    print(f"{len(known)} rules; active: {', '.join(sorted(MAY_BE_ACTIVE))} at most")


def test_kube_state_metrics_has_each_metric_that_our_alerts_read(
    observability: Places, backends: Backends
) -> None:
    for metric, labels in owners.read_by_alerts(owners.KUBE_STATE_METRICS).items():
        matchers = ",".join(f'{label}!=""' for label in sorted(labels))
        assert eventually(lambda: backends.series(f"{metric}{{{matchers}}}")), metric  # noqa: B023


def test_alertmanager_keeps_silences_when_its_pod_is_deleted(
    node: Node, observability: Places, backends: Backends
) -> None:
    silences = f"{observability.url('alertmanager')}/api/v2/silences"
    begin = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "Nothing", "isRegex": False, "isEqual": True}],
        "startsAt": begin.isoformat(),
        "endsAt": (begin + timedelta(hours=1)).isoformat(),
        "createdBy": "tests",
        "comment": "of no alert",
    }
    made = backends.http.post(silences, json=silence).raise_for_status().json()["silenceID"]
    delete_pod(node, "alertmanager-prometheus-alertmanager-0")

    def kept() -> list[str]:
        found = backends.http.get(silences).raise_for_status().json()
        return [each["id"] for each in found if each["status"]["state"] == "active"]

    assert made in eventually(kept)


def test_prometheus_is_ready_with_its_data_when_its_pod_was_deleted(
    node: Node, observability: Places, backends: Backends
) -> None:
    at = time.time() - 1
    query = (
        f'count_over_time(up{{job="prometheus-prometheus",container="prometheus"}}[10m] @ {at:.0f})'
    )
    [(_, before)] = backends.series(query)
    assert before > 0
    delete_pod(node, "prometheus-prometheus-prometheus-0")
    [(_, after)] = eventually(lambda: backends.series(query))
    print(f"{before:.0f} samples before and {after:.0f} after the deletion")
    assert after == before
    eventually(lambda: backends.series(f"up @ {time.time():.0f}"))

"""The prober that the chart deploys beside a service."""

from typing import Any

from ruamel.yaml import YAML
from stack import prober, values
from stack.prometheus import prober_job

from tests.platform.chart import render
from tests.platform.chart.render import ROOT

ON = ("--set", "prober.enabled=true")


def of_prober(manifests: str) -> dict[str, dict[str, Any]]:
    """The prober's objects by kind."""
    return {
        each["kind"]: each
        for each in render.objects(manifests)
        if each["metadata"]["name"] == "ports-prober"
    }


def test_one_value_switches_it_on_in_an_environment() -> None:
    objects = {"ConfigMap", "Deployment", "Service", "ServiceMonitor", "NetworkPolicy"}
    assert of_prober(render.environment("dev")) == {}
    assert set(of_prober(render.environment("dev", *ON))) == objects
    assert set(of_prober(render.environment("prod"))) == objects


def test_it_does_not_run_where_nobody_reads_its_counters() -> None:
    assert of_prober(render.environment("staging", "--set", "serviceMonitor.enabled=false")) == {}


def test_the_clusters_prober_has_the_stacks_configuration() -> None:
    config = of_prober(render.environment("prod"))["ConfigMap"]["data"]["cloudprober.yaml"]
    asked = YAML(typ="safe").load(config)
    service = ROOT / "services/ports"
    assert asked == prober.config(prober.settings(service), "ports", 8080)
    assert {each["name"] for each in asked["probe"]} == {"/ports", "/ports/{id}"}


def test_its_counters_get_the_labels_that_the_ones_of_the_stack_get() -> None:
    (endpoint,) = of_prober(render.environment("prod"))["ServiceMonitor"]["spec"]["endpoints"]
    relabeled = {each["targetLabel"]: each["replacement"] for each in endpoint["relabelings"]}
    job = prober_job("ports", "prod", "127.0.0.1:1")
    assert relabeled == job["static_configs"][0]["labels"]
    spelled = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    assert job["metric_relabel_configs"] == [
        {spelled.get(key, key): value for key, value in each.items()}
        for each in endpoint["metricRelabelings"]
    ]


def test_it_reaches_the_service_and_prometheus_reaches_it() -> None:
    found = of_prober(render.environment("prod"))
    policy = found["NetworkPolicy"]["spec"]
    server = render.workload(render.environment("prod"))["spec"]["selector"]
    *_, out = policy["egress"]
    assert out == {"to": [{"podSelector": server}], "ports": [{"port": 8080}]}
    (into,) = policy["ingress"]
    namespace = values.chart("chart")["telemetry"]["namespace"]
    assert into["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    ]
    pods = found["Deployment"]["spec"]["selector"]["matchLabels"]
    assert found["Service"]["spec"]["selector"] == pods != server["matchLabels"]
    assert policy["podSelector"]["matchLabels"] == pods


def test_a_release_of_the_service_leaves_it_and_another_question_restarts_it() -> None:
    def template(*more: str) -> dict[str, Any]:
        deployment = of_prober(render.environment("prod", *more))["Deployment"]
        found: dict[str, Any] = deployment["spec"]["template"]
        return found

    digest = "sha256:" + "1" * 64
    assert template() == template("--set", f"image.digest={digest}")
    assert template() != template("--set", "prober.intervalSeconds=10")

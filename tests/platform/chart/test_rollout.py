"""A service whose new versions take traffic step by step."""

from typing import Any

import pytest
from ruamel.yaml import YAML
from slo import analysis, series

from tests.platform.chart import render, schemas
from tests.platform.chart.judges import kubeconform
from tests.platform.chart.render import ROOT, RefusedError, environment

CASE = render.HERE / "cases/rollout.yaml"
OFF = ("--set", "rollout.enabled=false")


def test_prod_alone_has_a_rollout() -> None:
    kinds = {name: render.workload(environment(name))["kind"] for name in ("dev", "staging")}
    assert kinds == {"dev": "Deployment", "staging": "Deployment"}
    assert render.workload(environment("prod"))["kind"] == "Rollout"


def test_the_pods_are_those_of_a_deployment() -> None:
    """But for the label that tells the versions' pods apart."""
    rollout, deployment = (render.workload(environment("prod", *more)) for more in ((), OFF))
    spread = rollout["spec"]["template"]["spec"]["topologySpreadConstraints"]
    for constraint in spread:
        assert constraint.pop("matchLabelKeys") == ["rollouts-pod-template-hash"]
    for constraint in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint.pop("matchLabelKeys") == ["pod-template-hash"]
    assert rollout["metadata"] == deployment["metadata"]
    specs = [dict(each["spec"]) for each in (rollout, deployment)]
    for spec in specs:
        spec.pop("strategy")
    assert specs[0] == specs[1]


def test_all_else_selects_the_pods_as_before() -> None:
    """Service, PodDisruptionBudget and NetworkPolicies do not name the workload."""

    def others(*more: str) -> list[dict[str, Any]]:
        named = ("Rollout", "Deployment", "HorizontalPodAutoscaler", "ServiceMonitor")
        found = render.objects(environment("prod", *more))
        return [each for each in found if each["kind"] not in named]

    assert others() == others(*OFF)


@pytest.mark.parametrize("more", [(), OFF], ids=["rollout", "deployment"])
def test_the_autoscaler_scales_what_makes_the_pods(more: tuple[str, ...]) -> None:
    manifests = environment("prod", *more)
    workload = render.workload(manifests)
    assert render.one(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"] == {
        "apiVersion": workload["apiVersion"],
        "kind": workload["kind"],
        "name": workload["metadata"]["name"],
    }


def test_each_step_refers_to_the_generated_template_and_gives_each_argument() -> None:
    file = ROOT / "platform/generated/ports/analysistemplate.yaml"
    template = YAML(typ="safe").load(file)
    wanted = [each["name"] for each in template["spec"]["args"]]
    steps = render.workload(environment("prod"))["spec"]["strategy"]["canary"]["steps"]
    assert [each["setWeight"] for each in steps if "setWeight" in each] == [20, 50]
    analyses = [each["analysis"] for each in steps if "analysis" in each]
    assert len(analyses) == 2
    for each in analyses:
        assert each["templates"] == [{"templateName": template["metadata"]["name"]}]
        given = {argument.pop("name"): argument for argument in each["args"]}
        assert list(given) == wanted
        assert given == {
            analysis.ENVIRONMENT: {"value": "prod"},
            analysis.CANARY: {"valueFrom": {"podTemplateHashValue": "Latest"}},
            analysis.STABLE: {"valueFrom": {"podTemplateHashValue": "Stable"}},
        }


def test_the_series_tell_the_versions_apart() -> None:
    """The operator gives the pod's label to the series, with `_` where a label cannot have `-`."""
    monitors = [
        each
        for each in render.objects(environment("prod"))
        if each["kind"] == "ServiceMonitor" and each["metadata"]["name"] == "ports"
    ]
    (label,) = monitors[0]["spec"]["podTargetLabels"]
    assert label.replace("-", "_") == series.POD_TEMPLATE_HASH


def test_the_generated_template_is_valid(tmp_path_factory: pytest.TempPathFactory) -> None:
    pattern = schemas.write(tmp_path_factory.mktemp("schemas"))
    text = (ROOT / "platform/generated/ports/analysistemplate.yaml").read_text()
    assert kubeconform(pattern, text).returncode == 0
    wrong = text.replace("inconclusiveLimit", "inconclusiveLimits")
    assert "inconclusiveLimits" in kubeconform(pattern, wrong).stdout


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("liveUpdate.enabled=true,environment=local", "rollout.enabled: not with liveUpdate"),
        ("serviceMonitor.enabled=false", "rollout.enabled: needs serviceMonitor.enabled"),
        ("rollout.weights={0}", "/rollout/weights/0"),
        ("rollout.weights={100}", "/rollout/weights/0"),
        ("rollout.weights=null", "rollout.weights: empty"),
        ("rollout.step=1", "additional properties 'step' not allowed"),
    ],
)
def test_the_chart_refuses_a_rollout_that_proves_nothing(given: str, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        render.template("--values", str(render.BASE), "--values", str(CASE), "--set", given)

"""In prod, only images run that the release workflow has signed; the real Kyverno decides."""

from typing import Any

import pytest
from stack.errors import StackError

from tests.admission.chart import Object
from tests.admission.cluster import KYVERNO, POLICY, eventually, log
from tests.admission.conftest import Rig
from tests.documentation import blocks, commands
from tests.platform.chart import render

SPACE = "--namespace=ports-prod"
PAGE = "docs/how-to/admit-signed-images.md"
KINDS = (
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("argoproj.io/v1alpha1", "Rollout"),
)
PROBER = "cloudprober/cloudprober:v0.14.0"


def pod(image: str, **more: Any) -> Object:
    containers = [{"name": "server", "image": image}]
    spec = {"containers": containers, **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-"}, "spec": spec}


def templated(api: str, kind: str, image: str) -> Object:
    labels = {"app": "server"}
    template = {"metadata": {"labels": labels}, "spec": pod(image, restartPolicy="Always")["spec"]}
    spec: Object = {"template": template}
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"
    else:
        spec |= {"replicas": 0, "selector": {"matchLabels": labels}}
    if kind == "Rollout":
        spec["strategy"] = {"canary": {}}
    return {"apiVersion": api, "kind": kind, "metadata": {"generateName": "x-"}, "spec": spec}


def test_the_policies_differ_from_the_chart_in_the_attestor_alone(rig: Rig) -> None:
    ours = {each["metadata"]["name"]: each for each in rig.objects if each["kind"] == POLICY}
    assert set(ours) == {"signed-images", "signed-debug-images", "signed-rollout-images"}
    for name, policy in ours.items():
        found = rig.cluster.get(POLICY, name)["spec"]
        # The rest is what the API server adds.
        assert {key: found[key] for key in policy["spec"] if key != "attestors"} == {
            key: value for key, value in policy["spec"].items() if key != "attestors"
        }
        assert [each["name"] for each in found["attestors"]] == ["release"]
        assert "keyless" in policy["spec"]["attestors"][0]["cosign"]


def test_an_unsigned_image_is_refused_in_prod_and_the_message_says_what_to_do(rig: Rig) -> None:
    refusal = rig.cluster.create(pod(rig.images.unsigned), "ports-prod")
    print(f"  {refusal}")
    for word in (rig.images.unsigned, "not signed", "release.yml", "make sign", "docs/how-to/"):
        assert word in refusal


def test_a_signed_image_runs_in_prod(rig: Rig) -> None:
    assert rig.cluster.create(pod(rig.images.signed), "ports-prod") == ""


def test_an_unsigned_image_runs_in_dev(rig: Rig) -> None:
    assert rig.cluster.create(pod(rig.images.unsigned), "ports-dev") == ""


def test_an_image_that_somebody_else_signed_is_refused(rig: Rig) -> None:
    assert rig.images.foreign in rig.cluster.create(pod(rig.images.foreign), "ports-prod")


def test_a_signed_image_is_refused_by_its_tag(rig: Rig) -> None:
    tag = rig.images.signed.split("@")[0] + ":signed"
    refusal = rig.cluster.create(pod(tag), "ports-prod")
    print(f"  {refusal}")
    assert "digest" in refusal


@pytest.mark.parametrize(("api", "kind"), KINDS)
def test_the_kinds_that_make_pods_are_refused_with_the_same_message(
    rig: Rig, api: str, kind: str
) -> None:
    cluster, images = rig.cluster, rig.images
    refusal = cluster.create(templated(api, kind, images.unsigned), "ports-prod")
    assert images.unsigned in refusal
    assert "make sign" in refusal
    assert cluster.create(templated(api, kind, images.signed), "ports-prod") == ""
    assert cluster.create(templated(api, kind, images.unsigned), "ports-dev") == ""


def test_an_unsigned_init_container_is_refused(rig: Rig) -> None:
    beside = [{"name": "first", "image": rig.images.unsigned}]
    given = pod(rig.images.signed, initContainers=beside)
    assert rig.images.unsigned in rig.cluster.create(given, "ports-prod")


def test_a_listed_image_needs_no_signature(rig: Rig) -> None:
    assert rig.cluster.create(pod(PROBER), "ports-prod") == ""


def test_everything_that_the_service_chart_renders_for_prod_is_admitted(rig: Rig) -> None:
    repository, digest = rig.images.signed.split("@")
    given = f"image.repository={repository},image.digest={digest},environment=prod"
    manifests = render.environment("prod", f"--set={given}")
    made = [each for each in render.objects(manifests) if "containers" in str(each.get("spec", {}))]
    kinds = sorted(each["kind"] for each in made)
    print(f"  {' '.join(kinds)}")
    assert {"Deployment", "Rollout"} <= set(kinds)
    for each in made:
        if "helm.sh/hook" not in str(each["metadata"]):
            assert rig.cluster.create(each, "ports-prod") == ""


def started(rig: Rig, image: str, name: str) -> str:
    """Start a pod in prod; return its name."""
    given = pod(image)
    given["metadata"] = {"name": name}
    assert rig.cluster.create(given, "ports-prod") == ""
    return name


def test_an_unsigned_debug_container_is_refused(rig: Rig) -> None:
    name = started(rig, rig.images.signed, "debugged")
    with pytest.raises(StackError, match="make sign") as refusal:
        rig.cluster.kubectl("debug", name, f"--image={rig.images.unsigned}", SPACE)
    assert rig.images.unsigned in str(refusal.value)
    rig.cluster.kubectl("debug", name, f"--image={rig.images.signed}", SPACE)


def test_a_running_pod_cannot_get_an_unsigned_image(rig: Rig) -> None:
    name = started(rig, rig.images.signed, "changed")
    with pytest.raises(StackError, match="not signed"):
        rig.cluster.kubectl("set", "image", f"pod/{name}", f"server={rig.images.unsigned}", SPACE)


def test_without_kyverno_nothing_starts_in_prod_and_all_else_goes_on(rig: Rig) -> None:
    cluster = rig.cluster
    name = started(rig, rig.images.signed, "before")
    cluster.processes[KYVERNO].stop()
    try:
        with pytest.raises(StackError, match="failed calling webhook"):
            cluster.create(pod(rig.images.signed), "ports-prod")
        for api, kind in KINDS:
            given = templated(api, kind, rig.images.unsigned)
            assert cluster.create(given, "ports-dev") == ""
        assert cluster.create(pod(rig.images.unsigned), "ports-dev") == ""
        # Pods that run are changed and deleted by controllers.
        cluster.kubectl("label", "pod", name, "colour=blue", SPACE)
        cluster.kubectl("delete", "pod", name, SPACE)
        # The way out that the page names.
        ((typed,),) = (
            commands(each) for each in blocks() if each.page == PAGE and each.needs_cluster
        )
        cluster.kubectl(*typed.split()[1:])
        assert cluster.create(pod(rig.images.unsigned), "ports-prod") == ""
    finally:
        cluster.restart(KYVERNO)
    eventually(
        lambda: cluster.create(pod(rig.images.unsigned), "ports-prod") != "",
        "Kyverno does not make its webhooks again",
    )
    assert cluster.create(pod(rig.images.signed), "ports-prod") == ""


def test_kyverno_has_every_right_that_it_asks_for(rig: Rig) -> None:
    text = log(rig.cluster)
    assert "webhook-controller" in text
    assert "forbidden" not in text


def test_every_policy_is_ready(rig: Rig) -> None:
    def are_ready() -> bool:
        found = rig.cluster.get(POLICY)
        return all(each.get("status", {}).get("conditionStatus", {}).get("ready") for each in found)

    eventually(are_ready, "a policy is not ready")


def test_the_webhooks_go_with_the_role_of_kyverno(rig: Rig) -> None:
    selected = "--selector=webhook.kyverno.io/managed-by=kyverno"
    found = rig.cluster.get("validatingwebhookconfigurations", selected)
    assert found == rig.cluster.get("validatingwebhookconfigurations")
    owners = [
        owner
        for each in found
        if "ivpol" in str(each.get("webhooks"))
        for owner in each["metadata"]["ownerReferences"]
    ]
    assert [(each["kind"], each["name"]) for each in owners] == [("ClusterRole", "kyverno:webhook")]


def test_the_api_server_asks_kyverno_for_prod_alone(rig: Rig) -> None:
    webhooks = [
        webhook
        for each in rig.cluster.get("validatingwebhookconfigurations")
        for webhook in each.get("webhooks", ())
        if "ivpol" in webhook["name"]
    ]
    assert len(webhooks) == 3
    for webhook in webhooks:
        conditions = [each["expression"] for each in webhook["matchConditions"]]
        print(f"  {webhook['name']}: {conditions}")
        assert webhook["failurePolicy"] == "Fail"
        assert any("-(prod)$" in each for each in conditions)
    mutating = rig.cluster.get("mutatingwebhookconfigurations")
    assert "ivpol" not in str(mutating)

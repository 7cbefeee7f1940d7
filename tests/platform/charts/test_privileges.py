"""Nobody on the platform may do more than is listed and argued, and everyone says what it needs."""

import json
import re

import pytest

from tests.platform.chart.judges import tool
from tests.platform.chart.render import ROOT
from tests.platform.charts import privileges, releases, workloads
from tests.platform.charts.releases import Object
from tests.platform.tilt import evaluation


@pytest.fixture(scope="module")
def everything() -> list[Object]:
    return releases.everything()


def test_every_grant_is_listed_and_argued(everything: list[Object]) -> None:
    listed = privileges.listed("grants")
    found = privileges.grants(everything)
    print(f"{len(found)} roles, {sum(map(len, found.values()))} rules")
    assert found == {role: sorted(entry["rules"]) for role, entry in listed.items()}
    assert all(entry["why"] for entry in listed.values())


def test_only_the_operator_and_argo_cd_read_secrets_of_all_namespaces(
    everything: list[Object],
) -> None:
    found = privileges.grants(everything)
    reading = {
        role
        for role, rules in found.items()
        if role.startswith("ClusterRole ") and re.search(r"\bsecrets\b|\*/\*", "\n".join(rules))
    }
    argo = {"ClusterRole argocd-application-controller", "ClusterRole argocd-server"}
    assert reading == {"ClusterRole prometheus-operator"} | argo


def test_every_use_of_the_node_has_a_listed_reason(everything: list[Object]) -> None:
    listed = privileges.listed("node")
    found = privileges.onto_the_node(everything)
    assert found == {owner: sorted(entry["uses"]) for owner, entry in listed.items()}
    assert all(entry["why"] for entry in listed.values())


def test_every_pod_is_restricted_but_those_listed(everything: list[Object]) -> None:
    """Judged by Kubernetes' own code."""
    kinds = [each for each in everything if each["kind"] in workloads.KINDS]
    said = tool("podsecurity", manifests="---\n".join(json.dumps(each) + "\n" for each in kinds))
    verdicts = dict(line.split(": ", 1) for line in said.stdout.splitlines())
    print(f"{len(verdicts)} workloads")
    assert len(verdicts) == len(kinds)
    forbidden = {owner for owner, verdict in verdicts.items() if verdict != "restricted"}
    assert forbidden == privileges.listed("unrestricted").keys()


def test_pods_of_the_operator_are_restricted(everything: list[Object]) -> None:
    """The operator adds the rest; these come from the objects."""
    for pod in workloads.pods(everything):
        if pod.is_operated:
            context = pod.spec["securityContext"]
            assert context["runAsNonRoot"], pod.owner
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod.owner


def test_every_container_requests_and_has_a_memory_limit(everything: list[Object]) -> None:
    assert privileges.unbounded(everything) == []


def test_the_tiltfile_says_what_each_profile_requests() -> None:
    text = (ROOT / "Tiltfile").read_text()
    argo = sum(
        privileges.requested(releases.objects(each))
        for each in releases.argo_cds()
        if each.namespace == "argocd"
    )
    tilts = [each for each in releases.argo_cds() if each.chart not in evaluation.APART]
    whole = sum(privileges.requested(releases.objects(each)) for each in tilts)
    print(f"memory requested: observability {whole - argo} MiB, full {whole} MiB")
    said = {
        profile: float(figure)
        for profile, figure in re.findall(r"--profile=(\w+) .*\((\d+\.\d) GiB requested\)", text)
    }
    assert said == {
        "observability": round((whole - argo) / 1024, 1),
        "full": round(whole / 1024, 1),
    }

"""Nobody on the platform may do more than is listed and argued, and everyone says what it needs."""

import json
import re

import pytest

from tests.platform.chart.judges import tool
from tests.platform.chart.render import ROOT
from tests.platform.charts import privileges, releases, sums, workloads
from tests.platform.charts.releases import Object


@pytest.fixture(scope="module", params=releases.PROFILES)
def everything(request: pytest.FixtureRequest) -> list[Object]:
    return releases.everything(request.param)


def test_every_grant_is_listed_and_argued(everything: list[Object]) -> None:
    listed = privileges.listed("grants")
    found = privileges.grants(everything)
    print(f"{len(found)} roles, {sum(map(len, found.values()))} rules")
    wanted = {role: sorted(entry["rules"]) for role, entry in listed.items()}
    assert found == {role: wanted.get(role) for role in found}
    assert all(entry["why"] for entry in listed.values())


def test_every_listed_right_is_there_in_some_profile() -> None:
    every = [each for profile in releases.PROFILES for each in releases.everything(profile)]
    assert privileges.grants(every).keys() == privileges.listed("grants").keys()
    assert privileges.onto_the_node(every).keys() == privileges.listed("node").keys()


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
    wanted = {owner: sorted(entry["uses"]) for owner, entry in listed.items()}
    assert found == {owner: wanted.get(owner) for owner in found}
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


def test_the_tiltfile_says_what_its_parts_request() -> None:
    text = (ROOT / "Tiltfile").read_text()
    whole, observability = (
        sums.of(
            pod
            for release in releases.tilts()
            if release.namespace in spaces
            for pod in workloads.pods(releases.objects(release))
        ).memory
        / 2**30
        for spaces in (("argocd", releases.OBSERVABILITY), (releases.OBSERVABILITY,))
    )
    print(f"memory requested: observability {observability:.2f} GiB, full {whole:.2f} GiB")
    said = {
        parts: float(figure)
        for parts, figure in re.findall(r"--parts=(\w+) .*\((\d+\.\d) GiB requested\)", text)
    }
    assert said == {
        "observability": round(float(observability), 1),
        "full": round(float(whole), 1),
    }

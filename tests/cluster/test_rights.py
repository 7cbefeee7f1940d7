"""Argo CD's controllers do their work with the rights of their own service accounts."""

import json
from pathlib import Path

import pytest
from stack import argocd
from stack.cluster import Cluster

from tests.cluster.conftest import Bootstrap

CONTROLLERS = (argocd.APPLICATION_CONTROLLER, argocd.APPLICATIONSET_CONTROLLER)
ACCOUNT = "system:serviceaccount:argocd:"
# A verb, and the group, resource and subresource that it is for.
Right = tuple[str, str, str, str]


def may(cluster: Cluster, account: str, right: Right, namespace: str = "") -> bool:
    """Ask the API server what a service account of Argo CD may do."""
    verb, group, resource, subresource = right
    attributes = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": f"{ACCOUNT}{account}", "resourceAttributes": attributes},
    }
    given = json.dumps(review)
    answer = cluster.kubectl("create", "--filename=-", "--output=json", stdin=given)
    return bool(json.loads(answer)["status"]["allowed"])


@pytest.mark.parametrize("name", CONTROLLERS)
def test_a_controller_lacks_no_right_while_it_deploys_everything(
    platform: Bootstrap, cluster: Cluster, name: str
) -> None:
    log = Path(cluster.processes[name].log).read_text()
    assert "argocd" in log
    assert [line for line in log.splitlines() if "forbidden" in line.lower()] == []


@pytest.mark.parametrize("name", CONTROLLERS)
def test_a_controller_uses_its_own_account(
    platform: Bootstrap, cluster: Cluster, name: str
) -> None:
    kubeconfig = cluster.processes[name].env["KUBECONFIG"]
    said = cluster.kubectl("auth", "whoami", f"--kubeconfig={kubeconfig}", "--output=json")
    assert f"{ACCOUNT}{name}" in said


@pytest.mark.parametrize(
    "right",
    [
        ("create", "", "pods", ""),
        ("create", "", "pods", "exec"),
        ("delete", "", "nodes", ""),
        ("create", "", "serviceaccounts", "token"),
        ("impersonate", "", "users", ""),
        ("create", "networking.k8s.io", "ingresses", ""),
        ("*", "*", "*", ""),
    ],
    ids="-".join,
)
def test_the_application_controller_is_no_administrator(
    platform: Bootstrap, cluster: Cluster, right: Right
) -> None:
    assert may(cluster, argocd.APPLICATION_CONTROLLER, ("create", "apps", "deployments", ""))
    assert not may(cluster, argocd.APPLICATION_CONTROLLER, right)


@pytest.mark.parametrize("resource", ["secrets", "configmaps"])
def test_the_set_controller_reaches_no_other_namespace(
    platform: Bootstrap, cluster: Cluster, resource: str
) -> None:
    name, right = argocd.APPLICATIONSET_CONTROLLER, ("get", "", resource, "")
    assert may(cluster, name, right, "argocd")
    assert not may(cluster, name, right, "ports-prod")

"""A release and a fault by hand, as on a cluster of one's own machine."""

import os
from collections.abc import Iterator

import pytest
from stack import kubernetes
from stack.cluster import Cluster
from stack.ways import BIN

from tests.cluster.applications import gone
from tests.cluster.programs import run
from tests.documentation import documented
from tests.service import ROOT
from tests.terminal import attempt

NAMESPACE = "ports-local"


@pytest.fixture
def variables(cluster: Cluster) -> Iterator[dict[str, str]]:
    """The environment of a person's terminal: the kubeconfig, kubectl and helm."""
    kubeconfig = str(kubernetes.kubeconfig(cluster.site))
    yield {"KUBECONFIG": kubeconfig, "PATH": f"{BIN}:{os.environ['PATH']}"}
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def test_make_deploy_releases_the_service_to_a_context_that_is_named(
    cluster: Cluster, variables: dict[str, str]
) -> None:
    deploy = documented("README.md", "make deploy")
    code, printed = attempt(deploy, env=variables)
    assert (code != 0, "ALLOW_CONTEXT=" in printed) == (True, True)
    assert gone(cluster, "deployment", "ports", NAMESPACE)

    allowed = variables | {"ALLOW_CONTEXT": kubernetes.CONTEXT}
    code, printed = attempt(deploy, env=allowed)
    assert code == 0, printed
    deployment = cluster.get("deployment", "ports", f"--namespace={NAMESPACE}")
    tag = run("git", "describe", "--always", "--dirty", "--abbrev=12", cwd=ROOT).strip()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"ghcr.io/example/ports:{tag}"
    assert deployment["status"]["availableReplicas"] == 1

    for fault, is_there in (("errors", True), ("off", False)):
        code, printed = attempt(f"make fault FAULT={fault}", env=allowed)
        assert code == 0, printed
        assert gone(cluster, "configmap", "ports-faults", NAMESPACE) != is_there

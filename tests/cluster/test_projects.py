"""A project's limits hold."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stack.cluster import Cluster

from tests.cluster.applications import Applications, messages
from tests.cluster.conftest import Bootstrap
from tests.cluster.programs import run
from tests.cluster.repository import Repository

RBAC = "rbac.authorization.k8s.io/v1"
FORBIDDEN = {"Role": RBAC, "Secret": "v1", "ClusterRole": RBAC}


def application(name: str, project: str, url: str, path: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": project,
            "source": {"repoURL": url, "targetRevision": "main", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {"automated": {}},
        },
    }


def refusal(cluster: Cluster, applications: Applications, wanted: dict[str, Any], word: str) -> str:
    """The message of Argo CD about an application that its project forbids."""
    name = wanted["metadata"]["name"]
    cluster.apply([wanted])
    try:
        found = applications.wait(name, lambda found: word in messages(found))
        print(f"  {next(line for line in messages(found).splitlines() if word in line)[:160]}")
        return messages(found)
    finally:
        cluster.kubectl("delete", "application", name, "--namespace=argocd")


def test_a_foreign_repository_is_refused(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    tmp_path: Path,
) -> None:
    foreign = tmp_path / "foreign"
    run("git", "clone", "--quiet", repository.url, str(foreign))
    path = "platform/generated/ports"
    wanted = application("foreign", "dev", foreign.as_uri(), path, "ports-dev")
    refusal(cluster, applications, wanted, "is not permitted in project")


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_forbidden_kind_is_refused(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    kind: str,
) -> None:
    folder = repository.path / "smuggled"
    folder.mkdir()
    manifest = {"apiVersion": FORBIDDEN[kind], "kind": kind, "metadata": {"name": "x"}}
    (folder / "manifest.yaml").write_text(json.dumps(manifest))
    repository.commit(f"Smuggle a {kind} in")
    wanted = application("smuggled", "dev", repository.url, "smuggled", "ports-dev")
    refusal(cluster, applications, wanted, "is not permitted in project")
    shutil.rmtree(folder)
    repository.commit("Take it out")
    found = cluster.kubectl("get", kind, "--all-namespaces", "--output=name").split()
    assert not [name for name in found if name.endswith("/x")]


@pytest.mark.parametrize(
    ("project", "namespace"), [("dev", "ports-prod"), ("dev", "kube-system"), ("default", "argocd")]
)
def test_a_destination_outside_of_the_project_is_refused(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    project: str,
    namespace: str,
) -> None:
    path = "platform/generated/ports"
    wanted = application("astray", project, repository.url, path, namespace)
    refusal(cluster, applications, wanted, "do not match any of the allowed destinations")

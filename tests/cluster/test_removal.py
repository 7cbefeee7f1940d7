"""Files removed from git: objects go in dev, wait for a person in prod, and change owners."""

import json
import shutil
from collections.abc import Callable

import pytest
from stack.cluster import Cluster

from tests import terminal
from tests.cluster.applications import Applications, eventually, gone, is_well, sync
from tests.cluster.conftest import WAVES, Bootstrap, terminal_environment
from tests.cluster.repository import ENVIRONMENTS, Repository
from tests.documentation import documented

SERVICES = "platform/argocd/apps/templates/services.yaml"
PAGE = "docs/gitops.md"


def identities(cluster: Cluster) -> dict[str, str]:
    """The objects that prod consists of, each with the identity that a new one would not have."""
    space = "--namespace=ports-prod"
    kinds = ("deployments,services,serviceaccounts,networkpolicies,horizontalpodautoscalers", space)
    found = {
        f"{each['kind']} {each['metadata']['name']}": each["metadata"]["uid"]
        for each in cluster.get(*kinds)
        if each["metadata"]["name"].startswith("ports")
    }
    assert len(found) >= 5
    application = cluster.get("application", "ports-prod", "--namespace=argocd")
    assert "deletionTimestamp" not in application["metadata"]
    return found | {"Application ports-prod": application["metadata"]["uid"]}


def typed(cluster: Cluster, words: str) -> None:
    """Type a command of the page where kubectl knows the cluster."""
    terminal.run(documented(PAGE, words), env=terminal_environment(cluster))


def restore(applications: Applications, repository: Repository) -> None:
    """Revert the last commit and wait until all is as it was."""
    repository.git("revert", "--no-edit", "HEAD")
    applications.wait_deployed("root", repository.head())
    applications.refresh_sets()
    for name in WAVES:
        applications.wait_deployed(name, repository.head())


def rename(repository: Repository) -> None:
    for environment in ("dev", "prod"):
        folder = repository.path / ENVIRONMENTS / environment
        shutil.move(folder / "ports.yaml", folder / "harbours.yaml")
    repository.commit("Rename ports to harbours")


def remove_digests(repository: Repository) -> None:
    repository.remove_digests("dev", "prod")


@pytest.mark.parametrize("take_out", [rename, remove_digests])
def test_a_renamed_file_or_a_removed_digest_keeps_prod_and_removes_dev(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    take_out: Callable[[Repository], None],
) -> None:
    applications.wait("ports-prod", is_well)
    before = identities(cluster)
    take_out(repository)
    applications.refresh_sets()
    eventually(lambda: gone(cluster, "application", "ports-dev", "argocd"), "dev is still there")
    eventually(lambda: gone(cluster, "deployment", "ports", "ports-dev"), "its pods still run")
    applications.wait("ports-prod", lambda found: sync(found) == "Unknown")
    assert identities(cluster) == before
    restore(applications, repository)
    flags = ("--namespace=argocd", "--ignore-not-found")
    cluster.kubectl("delete", "application", "harbours-prod", *flags)
    assert identities(cluster) == before


def without_template(repository: Repository) -> None:
    (repository.path / SERVICES).unlink()


def without_environment(repository: Repository) -> None:
    file = repository.path / "platform/argocd/apps/values.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("  prod:")))


@pytest.mark.parametrize("take_out", [without_template, without_environment])
def test_objects_removed_from_root_stay_in_prod(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    take_out: Callable[[Repository], None],
) -> None:
    before = identities(cluster)
    take_out(repository)
    repository.commit("Take it out of root")
    # Argo CD shows the remaining objects as pruned by hand only.
    applications.wait(
        "root",
        lambda found: (
            found["status"]["sync"]["revision"] == repository.head()
            and found["status"].get("operationState", {}).get("phase") == "Succeeded"
            and found["status"]["operationState"]["syncResult"]["revision"] == repository.head()
            and sync(found) == "OutOfSync"
        ),
    )
    applications.refresh_sets()
    if take_out is without_template:
        eventually(lambda: gone(cluster, "application", "ports-dev", "argocd"), "dev is there")
    assert not gone(cluster, "appproject", "prod", "argocd")
    assert identities(cluster) == before
    restore(applications, repository)
    assert identities(cluster) == before


def test_prod_survives_the_deletion_of_its_application_set(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    before = identities(cluster)
    old = cluster.get("applicationset", "services", "--namespace=argocd")["metadata"]["uid"]

    def is_another() -> bool:
        if gone(cluster, "applicationset", "services", "argocd"):
            return False
        found = cluster.get("applicationset", "services", "--namespace=argocd")
        return bool(found["metadata"]["uid"] != old)

    cluster.kubectl("delete", "applicationset", "services", "--namespace=argocd")
    applications.refresh("root")
    eventually(is_another, "root did not heal it")
    applications.wait("ports-prod", is_well)
    assert identities(cluster) == before


def test_a_person_removes_prod_by_the_commands_of_the_page(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    repository.environment("prod").unlink()
    repository.commit("Take ports out of prod")
    applications.refresh_sets()
    applications.wait("ports-prod", lambda found: sync(found) == "Unknown")
    typed(cluster, "kubectl --namespace argocd delete application ports-prod")
    assert not gone(cluster, "deployment", "ports", "ports-prod"), "the application alone is gone"
    typed(cluster, "kubectl delete namespace ports-prod")
    assert gone(cluster, "deployment", "ports", "ports-prod")
    restore(applications, repository)


def owner(cluster: Cluster) -> str:
    """The application set that ports-dev belongs to."""
    found = cluster.get("application", "ports-dev", "--namespace=argocd")
    names = [each["name"] for each in found["metadata"].get("ownerReferences", ())]
    return " ".join(names)


def complaint(cluster: Cluster) -> str:
    """The error that the set of dev and staging reports."""
    found = cluster.get("applicationset", "services-pruned", "--namespace=argocd")
    conditions = found.get("status", {}).get("conditions", ())
    told = [
        c["message"] for c in conditions if (c["type"], c["status"]) == ("ErrorOccurred", "True")
    ]
    return " ".join(told)


def test_an_application_of_a_former_single_set_is_handed_over_and_never_deleted(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    applications.wait("ports-dev", is_well)

    def lives() -> list[str]:
        kinds = (("application", "ports-dev", "argocd"), ("deployment", "ports", "ports-dev"))
        found = [cluster.get(kind, name, f"--namespace={space}") for kind, name, space in kinds]
        return [each["metadata"]["uid"] for each in found]

    before = lives()
    single = cluster.get("applicationset", "services", "--namespace=argocd")["metadata"]["uid"]
    reference = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "name": "services",
        "uid": single,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    patch = json.dumps({"metadata": {"ownerReferences": [reference]}})
    flags = ("--namespace=argocd", "--type=merge", f"--patch={patch}")
    cluster.kubectl("patch", "application", "ports-dev", *flags)
    applications.refresh_sets()
    eventually(lambda: "owned" in complaint(cluster), "the new set takes what another one owns")
    assert owner(cluster) == "services"
    typed(cluster, "kubectl --namespace argocd patch application ports-dev")
    applications.refresh_sets()
    eventually(lambda: owner(cluster) == "services-pruned", "the new set does not take it")
    eventually(lambda: complaint(cluster) == "", "the new set still complains")
    applications.wait("ports-dev", is_well)
    assert lives() == before

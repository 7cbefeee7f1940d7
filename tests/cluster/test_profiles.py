"""A commit makes the platform larger or smaller, and an unknown size changes nothing."""

from collections.abc import Iterator

import pytest
from stack.cluster import Cluster

from tests.cluster import charts
from tests.cluster.applications import Applications, eventually, gone, messages, sync
from tests.cluster.conftest import WAVES, Bootstrap
from tests.cluster.repository import Repository

APPS = "platform/argocd/apps/values.yaml"


def set_profile(repository: Repository, old: str, new: str) -> str:
    """Commit another profile, and return the commit."""
    repository.replace(APPS, f"\nprofile: {old}\n", f"\nprofile: {new}\n")
    return repository.commit(f"Set the profile {new}")


@pytest.fixture
def restored(applications: Applications, repository: Repository) -> Iterator[None]:
    """Go back to the commit's parent in the end, and wait until all is as it was."""
    yield
    repository.git("revert", "--no-edit", "HEAD")
    for name in ("root", *WAVES):
        applications.refresh_sets()
        applications.wait_deployed(name, repository.head())


def given(cluster: Cluster, chart: str, upstream: str) -> str:
    """Values that the stand-in of an upstream chart got."""
    name = f"{chart}-{upstream}-stand-in"
    found = cluster.get("configmap", name, "--namespace=observability")
    return str(found["data"]["values.yaml"])


@pytest.mark.skipif(charts.ARE_REAL, reason="asks the stubs which values they got")
def test_a_commit_scales_the_platform_and_a_revert_takes_thanos_away(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    assert gone(cluster, "application", "thanos", "argocd")
    assert "prometheus-prometheus:9090" in given(cluster, "grafana", "grafana")
    commit = set_profile(repository, "single", "scaled")
    applications.wait_deployed("root", commit)
    for name in ("thanos", "prometheus", "grafana"):
        applications.wait_deployed(name, commit)
    assert "thanos-query:9090" in given(cluster, "grafana", "grafana")
    assert "cluster: main" in given(cluster, "prometheus", "kube-prometheus-stack")
    assert "https://grafana.example.com" in given(cluster, "grafana", "grafana"), "and Argo CD's"

    repository.git("revert", "--no-edit", "HEAD")
    for name in ("root", *WAVES):
        applications.refresh_sets()
        applications.wait_deployed(name, repository.head())
    eventually(lambda: gone(cluster, "application", "thanos", "argocd"), "thanos is still there")
    assert "prometheus-prometheus:9090" in given(cluster, "grafana", "grafana")


def test_an_unknown_profile_is_told_and_what_runs_stays(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    restored: None,
) -> None:
    before = {each["metadata"]["name"]: each["metadata"]["uid"] for each in applications.all()}
    set_profile(repository, "single", "huge")
    root = applications.wait("root", lambda found: sync(found) == "Unknown")
    assert "profile=huge: must be one of local, single, scaled" in messages(root)
    now = {each["metadata"]["name"]: each["metadata"]["uid"] for each in applications.all()}
    assert now == before

"""The cluster runs the state that git has."""

import json
import time
from collections.abc import Callable
from typing import Any

from stack.cluster import Cluster

from tests.cluster.applications import (
    Applications,
    eventually,
    gone,
    health,
    image,
    is_well,
    messages,
    replicas,
    sync,
)
from tests.cluster.conftest import Bootstrap
from tests.cluster.repository import Repository

SECOND = "sha256:" + "2" * 64
THIRD = "sha256:" + "3" * 64
# Phases of a Rollout, and what Argo CD makes of each.
PHASES = (
    ("Healthy", "Healthy"), ("Paused", "Suspended"), ("Degraded", "Degraded"),
    ("Healthy", "Healthy"),
)  # fmt: skip


def rescales(cluster: Cluster, environment: str) -> int:
    """How often an autoscaler changed the replicas, in this namespace and any before it."""
    reason = "--field-selector=reason=SuccessfulRescale"
    events = cluster.get("events", f"--namespace=ports-{environment}", reason)
    return sum(event["count"] for event in events)


def test_a_commit_that_moves_the_digest_rolls_out(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    start = time.monotonic()
    applications.wait_deployed("ports-dev", repository.set_digest("dev", SECOND))
    assert image(cluster, "dev") == f"ghcr.io/example/ports@{SECOND}"
    print(f"  commit to Synced and Healthy: {time.monotonic() - start:.1f} s")
    assert image(cluster, "prod") != image(cluster, "dev"), "no other environment moves with it"


def test_drift_is_healed(platform: Bootstrap, cluster: Cluster, applications: Applications) -> None:
    space = "--namespace=ports-dev"
    start = time.monotonic()
    cluster.kubectl("scale", "deployment", "ports", "--replicas=5", space)
    eventually(lambda: replicas(cluster, "dev") == 1, "five replicas stayed")
    print(f"  a person's replicas undone after {time.monotonic() - start:.1f} s")
    start = time.monotonic()
    cluster.kubectl("delete", "service", "ports", space)
    eventually(lambda: not gone(cluster, "service", "ports", "ports-dev"), "no service any more")
    print(f"  a deleted Service back after {time.monotonic() - start:.1f} s")
    applications.wait("ports-dev", is_well)


def test_replicas_that_the_autoscaler_set_are_not_drift_and_survive_a_sync(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    # No metrics here: an autoscaler then only raises a deployment to its minimum.
    eventually(lambda: replicas(cluster, "prod") == 2, "the autoscaler did not raise it")
    applications.wait("ports-prod", is_well)
    before = rescales(cluster, "prod")
    applications.wait_deployed("ports-prod", repository.set_digest("prod", SECOND))
    assert image(cluster, "prod").endswith(SECOND)
    assert replicas(cluster, "prod") == 2
    again = rescales(cluster, "prod") - before
    assert again == 0, "a sync took the replicas away and the autoscaler had to come again"


def test_removed_objects_are_pruned_in_dev_and_kept_in_prod(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    switch = "serviceMonitor:\n  enabled: false\n"
    for environment in ("dev", "prod"):
        file = repository.environment(environment)
        file.write_text(file.read_text() + switch)
    repository.commit("Stop scraping dev and prod")
    applications.refresh("ports-dev")
    eventually(lambda: gone(cluster, "servicemonitor", "ports", "ports-dev"), "not pruned")
    applications.wait("ports-prod", lambda found: sync(found) == "OutOfSync")
    assert not gone(cluster, "servicemonitor", "ports", "ports-prod")
    repository.git("revert", "--no-edit", "HEAD")
    for environment in ("dev", "prod"):
        applications.wait_deployed(f"ports-{environment}", repository.head())


def test_a_wrong_values_key_stops_the_sync_and_leaves_what_runs(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    before = cluster.get("deployment", "ports", "--namespace=ports-dev")
    file = repository.environment("dev")
    file.write_text(file.read_text() + "replcas: 3\n")
    repository.commit("Misspell a key")
    wrong = applications.wait(
        "ports-dev", lambda found: "replcas" in messages(found) and sync(found) == "Unknown"
    )
    assert health(wrong) == "Healthy"
    after = cluster.get("deployment", "ports", "--namespace=ports-dev")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    repository.git("revert", "--no-edit", "HEAD")
    applications.wait_deployed("ports-dev", repository.head())


def test_git_revert_rolls_back(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    before = image(cluster, "dev")
    applications.wait_deployed("ports-dev", repository.set_digest("dev", THIRD))
    assert image(cluster, "dev").endswith(THIRD)
    start = time.monotonic()
    repository.git("revert", "--no-edit", "HEAD")
    applications.wait_deployed("ports-dev", repository.head())
    assert image(cluster, "dev") == before
    print(f"  revert to Synced and Healthy: {time.monotonic() - start:.1f} s")


def has_health(expected: str) -> Callable[[dict[str, Any]], bool]:
    return lambda application: health(application) == expected


def test_one_value_replaces_the_deployment_by_a_rollout_with_its_analysis_and_back(
    platform: Bootstrap, cluster: Cluster, applications: Applications, repository: Repository
) -> None:
    """The test stands in for the controller of Rollouts, and writes its verdicts."""
    space, file = "ports-staging", repository.environment("staging")
    before = file.read_text()
    file.write_text(f"{before}rollout:\n  enabled: true\n")
    repository.commit("Let the SLOs of staging judge new versions")
    applications.refresh_sets()
    for kind, name in (("rollout", "ports"), ("analysistemplate", "slo-ports")):
        eventually(lambda k=kind, n=name: not gone(cluster, k, n, space), f"no {kind}")
    rollout = cluster.get("rollout", "ports", f"--namespace={space}")
    assert rollout["spec"]["template"]["spec"]["containers"][0]["image"].endswith(
        repository.digest("staging")
    )
    for phase, shown in PHASES:
        status = json.dumps({"status": {"observedGeneration": "1", "phase": phase}})
        patch = ("patch", "rollout", "ports", f"--namespace={space}", "--type=merge")
        cluster.kubectl(*patch, "--subresource=status", f"--patch={status}")
        applications.wait("ports-staging", has_health(shown))
    eventually(lambda: gone(cluster, "deployment", "ports", space), "the Deployment stayed")
    file.write_text(before)
    commit = repository.commit("Restore staging")
    applications.refresh_sets()
    applications.wait_deployed("ports-staging", commit)
    for kind, name in (("rollout", "ports"), ("analysistemplate", "slo-ports")):
        eventually(lambda k=kind, n=name: gone(cluster, k, n, space), f"the {kind} stayed")

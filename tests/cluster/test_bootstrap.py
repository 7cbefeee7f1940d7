"""From an empty cluster to everything deployed."""

import json
from pathlib import Path

from stack import argocd
from stack.cluster import Cluster

from tests.cluster import charts
from tests.cluster.applications import Applications, Timeline, gone, is_well
from tests.cluster.conftest import ENVIRONMENTS, WAVES, Bootstrap, make_cluster
from tests.cluster.programs import recap, run
from tests.service import ROOT


def waves_in_order(timeline: Timeline) -> bool:
    """Did no child appear before every child of earlier waves was Healthy?"""
    for name, wave in WAVES.items():
        earlier = [timeline.healthy[other] for other, its in WAVES.items() if its < wave]
        if earlier and timeline.created[name] < max(earlier):
            return False
    return True


def show(timeline: Timeline) -> None:
    """Print the times, which are the point."""
    for name, wave in WAVES.items():
        created, healthy = timeline.created[name], timeline.healthy[name]
        print(f"  wave {wave}  {name:<15} made at {created:5.1f} s, Healthy at {healthy:5.1f} s")


def test_the_api_server_is_of_the_version_that_is_pinned(cluster: Cluster) -> None:
    pinned = run("python3", "tools/build.py", "--versions", "kube-apiserver", cwd=ROOT)
    server = json.loads(cluster.kubectl("version", "--output=json"))["serverVersion"]
    assert f"kube-apiserver {server['gitVersion']}" in pinned.splitlines()


def test_without_the_health_check_waves_do_not_wait(unchecked: Timeline) -> None:
    show(unchecked)
    assert not waves_in_order(unchecked)


def test_make_cluster_deploys_everything_wave_by_wave(
    platform: Bootstrap, applications: Applications
) -> None:
    show(platform.timeline)
    assert recap(platform.output)["changed"] > 0
    assert {each["metadata"]["name"] for each in applications.all()} == {"root", *WAVES}
    assert all(map(is_well, applications.all()))
    assert waves_in_order(platform.timeline)


def test_an_environment_is_deployed_once_it_has_an_image(
    platform: Bootstrap, applications: Applications
) -> None:
    of_ports = {f"ports-{environment}" for environment in ENVIRONMENTS}
    assert platform.without_image == {"root", *WAVES} - of_ports
    for name in of_ports:
        assert f"{name} is not deployed: its file has no image.digest" in platform.output
        assert is_well(applications.one(name))


def test_the_applicationset_makes_one_application_per_service_and_environment(
    platform: Bootstrap, cluster: Cluster, applications: Applications
) -> None:
    for environment in ENVIRONMENTS:
        application = applications.one(f"ports-{environment}")
        assert application["spec"]["project"] == environment
        assert application["spec"]["destination"]["namespace"] == f"ports-{environment}"
        policy = application["spec"]["syncPolicy"]["automated"]
        assert policy["selfHeal"]
        assert policy.get("prune", False) == (environment != "prod")
        assert [source["path"] for source in application["spec"]["sources"]] == [
            "platform/chart",
            "platform/generated/ports",
            "platform/generated/ports",  # the analysis, where it is on
        ]
        namespace = cluster.get("namespace", f"ports-{environment}")
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        deployment = cluster.get("deployment", "ports", f"--namespace=ports-{environment}")
        assert deployment["status"]["availableReplicas"] >= 1


def test_a_second_run_of_make_cluster_changes_nothing(
    platform: Bootstrap, cluster: Cluster, clone: Path
) -> None:
    manifest = f"argocd_manifest={argocd.install_manifest(cluster.site.data)}"
    password = cluster.get("secret", "grafana-admin", "--namespace=observability")["data"]
    output = make_cluster(cluster, clone, manifest)
    counts = recap(output)
    assert (counts["changed"], counts["failed"]) == (0, 0)
    assert "no image.digest" not in output, "the clone is behind, and the cluster runs it"
    assert cluster.get("secret", "grafana-admin", "--namespace=observability")["data"] == password


def test_make_cluster_installs_the_umbrella_chart_once(
    platform: Bootstrap, cluster: Cluster, clone: Path
) -> None:
    name = "argocd-redis-health-configmap" if charts.ARE_REAL else "argocd-argo-cd-stand-in"
    if charts.ARE_REAL:
        charts.hand_over_to_helm(cluster, clone / "platform/argocd/install")
    assert recap(make_cluster(cluster, clone, check=True))["changed"] > 0, "it tells what it would"
    assert gone(cluster, "configmap", name, "argocd")
    assert recap(make_cluster(cluster, clone))["changed"] > 0
    got = cluster.get("configmap", name, "--namespace=argocd")
    if charts.ARE_REAL:
        got = cluster.get("configmap", "argocd-cm", "--namespace=argocd")
    assert "resource.customizations.health.argoproj.io_Application" in json.dumps(got["data"])
    counts = recap(make_cluster(cluster, clone))
    assert (counts["changed"], counts["failed"]) == (0, 0)

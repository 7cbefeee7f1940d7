"""Addresses and manifests of registry, git host and traffic."""

import pytest
from demo import hosts
from demo.hosts import Hosts
from demo.kubectl import Kubectl
from ruamel.yaml import YAML

from tests.service import ROOT
from tests.unit.demo.conftest import Programs


def images(objects: list[dict[str, object]]) -> set[str]:
    found: set[str] = set()
    for each in objects:
        if each["kind"] == "Deployment":
            spec = each["spec"]["template"]["spec"]  # type: ignore[index]
            containers = [*spec.get("initContainers", ()), *spec["containers"]]
            found |= {container["image"] for container in containers}
    return found


def test_the_git_host_has_the_image_that_argo_cd_runs_anyway() -> None:
    chart = YAML(typ="safe").load(ROOT / "platform/argocd/install/Chart.yaml")
    assert images(hosts.manifests(ROOT)) == {
        "docker.io/library/registry:3",
        f"quay.io/argoproj/argocd:v{chart['appVersion']}",
    }


def test_the_addresses_are_those_of_the_manifests() -> None:
    services = {
        each["metadata"]["name"]: each["spec"]
        for each in hosts.manifests(ROOT)
        if each["kind"] == "Service"
    }
    (registry,) = services["registry"]["ports"]
    assert f"localhost:{registry['nodePort']}" == hosts.REGISTRY
    assert registry["port"] == hosts.REGISTRY_PORT
    assert services["git"]["ports"][0]["port"] == hosts.GIT_PORT


def test_traffic_goes_to_each_environment_from_the_charts_prober() -> None:
    found = hosts.traffic(ROOT, "ports", ("dev", "prod"))
    assert {each["metadata"]["namespace"] for each in found} == {"ports-dev", "ports-prod"}
    values = YAML(typ="safe").load(ROOT / "platform/chart/values.yaml")
    image = values["prober"]["image"]
    assert images(found) == {f"docker.io/{image['repository']}:{image['tag']}"}
    (config, _) = found[:2]
    (probe,) = YAML(typ="safe").load(config["data"]["cloudprober.yaml"])["probe"]
    assert probe["targets"] == {"host_names": "ports"}
    assert probe["http_probe"]["relative_url"] == "/ports?limit=1"


def test_hosts_in_the_cluster_are_reached_by_forwarded_ports(
    programs: Programs, tmp_path: pytest.TempPathFactory
) -> None:
    programs.answer("service/registry :5000$", "Forwarding from 127.0.0.1:1 -> 5000\n")
    programs.answer("service/git :9418$", "Forwarding from 127.0.0.1:2 -> 9418\n")
    with Hosts().reached(Kubectl(tmp_path / "kubeconfig")) as reached:  # type: ignore[operator]
        assert (reached.registry, reached.git) == (
            "127.0.0.1:1",
            "git://127.0.0.1:2/ports-platform",
        )
    own = Hosts("r.test", "git://git.test/p", is_own=False)
    with own.reached(Kubectl(tmp_path / "kubeconfig")) as reached:  # type: ignore[operator]
        assert reached == own

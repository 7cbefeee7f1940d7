"""The upstream charts under the umbrella charts: those of CHART_STORE, or stand-ins."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from stack import rollouts
from stack.cluster import Cluster
from stack.components import Site
from stack.kubernetes import kubeconfig, module
from stack.process import Process
from stack.ways import tool

from tests.cluster.programs import run
from tests.platform.charts import vendor

ARE_REAL: Final = vendor.STORE in os.environ
STUB: Final = Path(__file__).parent / "stub"
# The CRDs of kube-prometheus-stack, from the operator's own module.
MONITORING_KINDS: Final = ("podmonitors", "prometheusrules", "servicemonitors")
OPERATED: Final = (
    "alertmanagerconfigs",
    "alertmanagers",
    "podmonitors",
    "probes",
    "prometheusagents",
    "prometheuses",
    "prometheusrules",
    "scrapeconfigs",
    "servicemonitors",
    "thanosrulers",
)
VOLUMES: Final = 8  # more than there are claims


def put_into(platform: Path) -> Iterator[str]:
    """Put every umbrella chart's dependencies beside it; yield a line about each stand-in."""
    for name in vendor.UMBRELLAS:
        if ARE_REAL:
            vendor.vendor(platform / name, Path(os.environ[vendor.STORE]))
        else:
            for dependency in YAML(typ="safe").load(platform / name / "Chart.yaml")["dependencies"]:
                yield _stand_in(platform / name, dependency)


class ClusterForCharts(Cluster):
    """A cluster with what the real charts need where pods run nothing: volumes and the operator.

    Argo CD calls a Prometheus healthy when the operator says so.
    """

    def _start(self) -> None:
        super()._start()
        if ARE_REAL:
            self.apply(map(volume, range(VOLUMES)))
            self._run(operator(self.site))


def hand_over_to_helm(cluster: Cluster, chart: Path) -> None:
    """Let helm take over what lies in the cluster already and is part of a chart.

    The tests install Argo CD by a manifest first; helm adopts only what is marked as its own. The
    workloads go, because the chart selects their pods by other labels, which cannot be changed.
    """
    cluster.kubectl("delete", "deployments,statefulsets", "--all", "--namespace=argocd")
    rendered = run(tool("helm"), "template", "argocd", str(chart), "--namespace=argocd")
    flags = ("--namespace=argocd", "--filename=-")
    found = ("get", "--ignore-not-found", "--output=json", *flags)
    there = cluster.kubectl(*found, stdin=rendered)
    marks = (
        ("label", "app.kubernetes.io/managed-by=Helm"),
        ("annotate", "meta.helm.sh/release-name=argocd", "meta.helm.sh/release-namespace=argocd"),
    )
    for verb, *values in marks:
        cluster.kubectl(verb, "--overwrite", *flags, *values, stdin=there)


def _stand_in(umbrella: Path, dependency: dict[str, str]) -> str:
    """Put the stub where helm looks for a dependency that was fetched; tell what it stands for."""
    name, version = dependency["name"], dependency["version"]
    target = umbrella / "charts" / name
    if not target.exists():
        shutil.copytree(STUB, target)
        with (target / "Chart.yaml").open("w") as out:
            YAML().dump(
                {"apiVersion": "v2", "name": name, "version": version, "description": "STAND-IN"},
                out,
            )
        if name == "kube-prometheus-stack":
            source = module("crds", "github.com/prometheus-operator/prometheus-operator")
            (target / "crds").mkdir()
            for kind in MONITORING_KINDS:
                file = f"monitoring.coreos.com_{kind}.yaml"
                shutil.copy(source / "example/prometheus-operator-crd" / file, target / "crds")
        if name == "argo-rollouts":
            (target / "crds").mkdir()
            for kind in rollouts.crds():
                shutil.copy(kind, target / "crds")
        if name == "kyverno":
            source = module("kyverno", "github.com/kyverno/kyverno") / "config/crds"
            (target / "crds").mkdir()
            file = "policies.kyverno.io/policies.kyverno.io_imagevalidatingpolicies.yaml"
            shutil.copy(source / file, target / "crds")
    return f"{name} {version} ({dependency['repository']})"


def operator(site: Site) -> Process:
    """Return the operator, which starts once the chart has brought its kinds: it asks once."""
    kinds = " ".join(f"crd/{kind}.monitoring.coreos.com" for kind in OPERATED)
    listen = f"--web.listen-address={site.addresses.endpoint('prometheus-operator')}"
    script = (
        f"until '{tool('kubectl')}' wait --for=condition=established {kinds}; do sleep 1; done; "
        f"exec '{tool('operator')}' {listen}"
    )
    # It is not awaited: the kinds come with the first sync.
    ready = site.addresses.url("kwok") + "/readyz"
    env = {"KUBECONFIG": str(kubeconfig(site))}
    return site.process("prometheus-operator", ["sh", "-c", script], ready, env)


def volume(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number}"},
        "spec": {
            "capacity": {"storage": "50Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/volumes/{number}"},
        },
    }

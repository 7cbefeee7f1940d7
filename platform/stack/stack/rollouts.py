"""Argo Rollouts' controller as a local process, with the rights of its umbrella chart's values."""

from typing import Any, Final

from stack import values
from stack.components import Site
from stack.kubernetes import kubeconfig, module
from stack.process import Process
from stack.ways import tool

NAMESPACE: Final = "observability"
# This user of the API stands in for the controller's service account.
USER: Final = "argo-rollouts"
_MODULE: Final = "github.com/argoproj/argo-rollouts"
_KINDS: Final = ("rollout", "analysis-template", "analysis-run", "cluster-analysis-template")


def controller(site: Site, prometheus: str) -> Process:
    """The controller, which asks the Prometheus at this URL."""
    health = site.addresses.port("rollouts-health")
    command = [
        tool("rollouts-controller"),
        f"--kubeconfig={kubeconfig(site, USER)}",
        f"--healthzPort={health}",
        f"--metricsPort={site.addresses.port('rollouts-metrics')}",
    ]
    (address,) = _values()["controller"]["extraEnv"]
    env = {"POD_NAMESPACE": NAMESPACE, address["name"]: prometheus}
    ready = site.addresses.url("rollouts-health") + "/healthz"
    return site.process("rollouts-controller", command, ready, env)


def crds() -> list[str]:
    """Argo Rollouts' own kinds, as files of manifests."""
    folder = module("argo-rollouts", _MODULE) / "manifests" / "crds"
    return [str(folder / f"{kind}-crd.yaml") for kind in (*_KINDS, "experiment")]


def rights() -> list[dict[str, Any]]:
    """The roles of the umbrella chart, bound to the user, and the namespace of the controller."""
    found = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    for each in _values()["extraObjects"]:
        bound = dict(each)
        if not each["kind"].startswith("Cluster"):
            bound["metadata"] = {**each["metadata"], "namespace": NAMESPACE}
        if "subjects" in each:
            group = "rbac.authorization.k8s.io"
            bound["subjects"] = [{"kind": "User", "name": USER, "apiGroup": group}]
        found.append(bound)
    return found


def _values() -> Any:
    return values.chart("argo-rollouts")["argo-rollouts"]

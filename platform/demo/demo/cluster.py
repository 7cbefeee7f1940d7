"""The cluster of the demo: kind creates it, or the person names its context."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.errors import DemoError
from demo.kubectl import WAIT_SECONDS, Kubectl, wait_until_gone
from demo.programs import run

NAME: Final = "ports-demo"
NAMESPACE: Final = "demo"
RECORD: Final = "before"
KIND: Final = f"kind-{NAME}"
# Groups of the kinds that the platform's charts bring.
GROUPS: Final = ("argoproj.io", "monitoring.coreos.com")
OWN: Final = ("argocd", "observability")


@dataclass(frozen=True)
class Place:
    """Where the demo keeps its files, and the programs of the checkout.

    Attributes:
        checkout: The repository that `make demo` was typed in.
        folder: All files of the demo.
    """

    checkout: Path
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with one context; no other kubeconfig is written."""
        return self.folder / "kubeconfig"

    @property
    def clone(self) -> Path:
        """The demo's clone of the repository."""
        return self.folder / "ports-platform"

    @property
    def kubectl(self) -> Kubectl:
        """The demo's cluster."""
        return Kubectl(self.kubeconfig)

    def tool(self, name: str) -> str:
        """Path of a pinned program, which `make tools` built."""
        return str(self.checkout / "tools/bin" / name)

    def context(self) -> str:
        """Name of the cluster's context.

        Raises:
            DemoError: There is no demo.
        """
        if not self.kubeconfig.exists():
            raise DemoError(
                f"{self.kubeconfig}: does not exist, so no demo runs; make demo starts one"
            )
        return self.kubectl.run("config", "current-context").strip()


def ensure(place: Place, context: str) -> bool:
    """Make sure that the demo has a cluster, and return whether it is new.

    Args:
        place: The demo's files.
        context: A context of the person's kubeconfig; empty for a cluster by kind.

    Raises:
        DemoError: Another cluster is in use, or the named one is not empty.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    wanted = context or KIND
    if place.kubeconfig.exists():
        if (used := place.context()) != wanted:
            raise DemoError(f"the demo runs in {used}, not in {wanted}; make demo-down ends it")
        place.kubectl.run("version", "--output=json")
        return False
    if context:
        _take(place, context)
    else:
        file = f"--kubeconfig={place.kubeconfig}"
        known = run(place.tool("kind"), "get", "clusters").split()
        verb = ("export", "kubeconfig") if NAME in known else ("create", "cluster", "--wait=120s")
        run(place.tool("kind"), *verb, f"--name={NAME}", file)
    return True


def _take(place: Place, context: str) -> None:
    """Copy a context into the demo's kubeconfig, and note which kinds the cluster has."""
    flags = ("--minify", "--flatten", f"--context={context}")
    text = run("kubectl", "config", "view", *flags)
    file = place.kubeconfig.with_suffix(".new")
    file.touch(mode=0o600)
    file.write_text(text)
    kubectl = Kubectl(file)
    if kubectl.get("namespace", NAMESPACE) is None:
        if there := [name for name in OWN if kubectl.get("namespace", name)]:
            raise DemoError(
                f"{context}: has the namespace {there[0]}; use a cluster without the namespaces "
                f"{' and '.join(OWN)}"
            )
        metadata = {"name": RECORD, "namespace": NAMESPACE}
        data = {"kinds": "\n".join(_kinds(kubectl))}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        record = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        kubectl.apply([space, record])
    file.rename(place.kubeconfig)


def remove(place: Place, environments: Sequence[str]) -> None:
    """Delete the cluster of kind, or what the demo deployed to a named cluster; then the files.

    Args:
        place: The demo's files.
        environments: Namespaces of the services.

    Raises:
        DemoError: There is no demo, or a deletion failed.
    """
    if place.context() == KIND:
        run(place.tool("kind"), "delete", "cluster", f"--name={NAME}")
    else:
        _empty(place, environments)
    shutil.rmtree(place.folder)


def _empty(place: Place, environments: Sequence[str]) -> None:
    kubectl = place.kubectl
    flags = ("--namespace=argocd", "--ignore-not-found", f"--timeout={WAIT_SECONDS}s")
    kinds = set(_kinds(kubectl))
    if "applications.argoproj.io" in kinds:
        # Root first: it would create the others again. Each deletes what it deployed.
        kubectl.run("delete", "application", "root", *flags)
        kubectl.run("delete", "applicationsets", "--all", *flags)
        kubectl.run("delete", "applications", "--all", *flags)
    file = f"--kubeconfig={place.kubeconfig}"
    argocd = ("uninstall", "argocd", "--namespace=argocd", "--ignore-not-found", "--wait")
    run(place.tool("helm"), *argocd, file)
    record = kubectl.get("configmap", RECORD, f"--namespace={NAMESPACE}")
    before = record["data"]["kinds"].splitlines() if record else sorted(kinds)
    spaces = [*environments, *OWN, NAMESPACE]
    for space in spaces:
        kubectl.run("delete", "namespace", space, "--ignore-not-found", "--wait=false")
    for kind in ("clusterrole", "clusterrolebinding"):
        kubectl.run("delete", kind, "--selector=app.kubernetes.io/part-of=argocd")
    wait_until_gone(kubectl, "namespace", *spaces)
    if new := sorted(kinds.difference(before)):
        kubectl.run("delete", "crd", *new, "--ignore-not-found")


def _kinds(kubectl: Kubectl) -> list[str]:
    """Names of the cluster's kinds in the groups that the platform brings."""
    found = kubectl.get("crd") or []
    names = sorted(each["metadata"]["name"] for each in found)
    return [name for name in names if name.endswith(tuple(f".{group}" for group in GROUPS))]

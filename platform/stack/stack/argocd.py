"""Argo CD's controllers as local processes, configured as its umbrella chart configures them."""

import json
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from stack import values
from stack.addresses import HOST
from stack.components import Site
from stack.kubernetes import debian, module
from stack.process import Process
from stack.ways import BIN, tool

NAMESPACE: Final = "argocd"
APPLICATION_CONTROLLER: Final = "argocd-application-controller"
APPLICATIONSET_CONTROLLER: Final = "argocd-applicationset-controller"
_RIGHTS: Final = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount")
_MODULE: Final = "github.com/argoproj/argo-cd/v3"


def redis(site: Site) -> Process:
    """Argo CD's cache."""
    at, folder = site.addresses, site.folder("redis")
    command = [debian("redis-server"), "--bind", HOST, "--port", str(at.port("redis"))]
    command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    return site.process("redis", command, f"tcp://{at.endpoint('redis')}")


def repo_server(site: Site, account: Path) -> Process:
    """Renders what git says; `account` is its kubeconfig."""
    at = site.addresses
    flags = [
        f"--address={HOST}",
        f"--port={at.port('argocd-repo-server')}",
        f"--metrics-address={HOST}",
        f"--metrics-port={at.port('argocd-repo-server-metrics')}",
        "--disable-tls",
        f"--redis={at.endpoint('redis')}",
    ]
    name = "argocd-repo-server"
    return _role(site, account, name, flags, "argocd-repo-server-metrics", "/healthz")


def application_controller(site: Site, account: Path) -> Process:
    """Compares, syncs and judges the health of applications; `account` is its kubeconfig."""
    at = site.addresses
    flags = [
        f"--metrics-port={at.port('argocd-application-controller')}",
        f"--repo-server={at.endpoint('argocd-repo-server')}",
        "--repo-server-plaintext",
        f"--redis={at.endpoint('redis')}",
        f"--namespace={NAMESPACE}",
        # Only waiting is shorter than in production.
        "--app-resync=10",
        "--app-resync-jitter=0",
        "--self-heal-timeout-seconds=1",
        "--self-heal-backoff-timeout-seconds=1",
    ]
    name = APPLICATION_CONTROLLER
    delay = {"ARGOCD_SYNC_WAVE_DELAY": "1"}
    return _role(site, account, name, flags, name, "/healthz", delay)


def applicationset_controller(site: Site, account: Path) -> Process:
    """Makes an application of each service and environment; `account` is its kubeconfig."""
    at = site.addresses
    flags = [
        f"--metrics-addr={at.endpoint('argocd-applicationset-controller')}",
        f"--probe-addr={at.endpoint('argocd-applicationset-probe')}",
        f"--webhook-addr={at.endpoint('argocd-applicationset-webhook')}",
        f"--namespace={NAMESPACE}",
        f"--argocd-repo-server={at.endpoint('argocd-repo-server')}",
        "--repo-server-plaintext",
    ]
    name = APPLICATIONSET_CONTROLLER
    return _role(site, account, name, flags, name, "/metrics")


def crds() -> list[str]:
    """Argo CD's own kinds, as files of manifests."""
    folder = module("argocd", _MODULE) / "manifests" / "crds"
    return [
        str(folder / f"{name}-crd.yaml") for name in ("application", "applicationset", "appproject")
    ]


def install_manifest(folder: Path) -> str:
    """Write the manifest that installs Argo CD's controllers into a namespace; return its path.

    It is the upstream one, with the role of the application controller that our values have.
    """
    file = folder / "core-install.yaml"
    # JSON is YAML, and fast.
    file.write_text("\n---\n".join(map(json.dumps, _upstream())))
    return str(file)


def rights() -> list[dict[str, Any]]:
    """Service accounts of the controllers, with the roles of the manifest."""
    found = [each for each in _upstream() if each["kind"] in _RIGHTS]
    for each in found:
        if not each["kind"].startswith("Cluster"):
            each["metadata"]["namespace"] = NAMESPACE
    return found


def _upstream() -> list[dict[str, Any]]:
    file = module("argocd", _MODULE) / "manifests" / "core-install.yaml"
    found = [each for each in YAML(typ="safe").load_all(file) if each]
    rules = values.chart("argocd/install")["argo-cd"]["controller"]["clusterRoleRules"]["rules"]
    (role,) = (
        each
        for each in found
        if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", APPLICATION_CONTROLLER)
    )
    role["rules"] = rules
    return found


def configuration(*, with_health_check: bool = True) -> list[dict[str, Any]]:
    """The configuration of the controllers, with settings of the umbrella chart's values."""
    settings = dict(values.chart("argocd/install")["argo-cd"]["configs"]["cm"])
    if not with_health_check:
        del settings["resource.customizations.health.argoproj.io_Application"]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _part("ConfigMap", "argocd-cm", data=settings),
        _part("ConfigMap", "argocd-rbac-cm"),
        _part(
            "Secret", "argocd-secret", stringData={"server.secretkey": "of no use outside a test"}
        ),
    ]


def _part(kind: str, name: str, **content: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def _role(
    site: Site,
    account: Path,
    name: str,
    flags: list[str],
    port: str,
    path: str,
    env: dict[str, str] | None = None,
) -> Process:
    """One binary plays every role; a variable says which. Each has a home of its own."""
    home = site.folder(name)
    command = [tool("argocd"), *flags]
    environment = {
        "ARGOCD_BINARY_NAME": name,
        "KUBECONFIG": str(account),
        # So that https://kubernetes.default.svc means this cluster, as it does in production.
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_ASK_PASS_SOCK": str(home / "ask-pass.sock"),
        "HOME": str(home),
        "TMPDIR": str(site.folder(name, "tmp")),
        # helm and kustomize, of this repository's choice.
        "PATH": f"{BIN}:/usr/bin:/bin",
    }
    return site.process(name, command, site.addresses.url(port) + path, environment | (env or {}))

"""A real Kubernetes API as local processes; nodes and their pods are kwok's.

kwok runs no containers. Its pods turn Ready whatever their image, so probes, logs and
network policies do nothing here.
"""

import functools
import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stack.addresses import HOST
from stack.components import Site
from stack.errors import StackError
from stack.process import Process
from stack.values import ROOT
from stack.ways import tool

CONTEXT: Final = "local"
# Other flags by which a component reaches the API server.
DELEGATED: Final = ("authentication-", "authorization-")
ADMIN: Final = "admin"
SERVICES: Final = "10.0.0.0/16"  # addresses of Services
# kwok's own choice of stages: what becomes of a node and a pod, and how fast.
STAGES: Final = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)


def debian(name: str) -> str:
    """Path of a program that comes from a Debian package.

    Raises:
        StackError: If it is not installed.
    """
    if (path := shutil.which(name, path="/usr/bin:/usr/local/bin:/usr/sbin")) is None:
        raise StackError(f"{name} is missing: apt-get install etcd-server redis-server openssl")
    return path


@functools.cache
def module(folder: str, path: str) -> Path:
    """Source of a Go module at the version that `tools/<folder>` pins, from Go's module cache."""
    described = subprocess.run(  # noqa: S603 - what the folder pins
        ["go", "mod", "download", "-json", path],  # noqa: S607 - Go is what built the tools
        cwd=ROOT / "tools" / folder,
        check=True,
        capture_output=True,
    )
    return Path(json.loads(described.stdout)["Dir"])


def kubeconfig(site: Site, user: str = ADMIN) -> Path:
    """Path of a user's kubeconfig; the default user is the administrator."""
    return site.folder("kubernetes") / f"{user}.kubeconfig"


def write_kubeconfig(site: Site, user: str, token: str) -> Path:
    """Write the kubeconfig of somebody who has a token; return its path."""
    server = f"https://{site.addresses.endpoint('kube-apiserver')}"
    authority = site.folder("kubernetes") / "apiserver.crt"
    cluster = {"server": server, "certificate-authority": str(authority)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    file = kubeconfig(site, user)
    file.write_text(json.dumps(content))
    return file


def etcd(site: Site) -> Process:
    """The API server's store."""
    client, peer = site.addresses.url("etcd"), site.addresses.url("etcd-peer")
    command = [
        debian("etcd"),
        f"--data-dir={site.folder('etcd')}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # Nothing here outlives a power cut.
        "--unsafe-no-fsync",
        "--logger=zap",
    ]
    return site.process("etcd", command, f"{client}/health")


def apiserver(site: Site, *flags: str, users: Mapping[str, str] | None = None) -> Process:
    """The API server, which makes its certificate by itself.

    Args:
        site: The site of the cluster.
        flags: More flags, appended to those of this function.
        users: Maps each further user to its group; every user gets a kubeconfig.
    """
    at, folder = site.addresses, site.folder("kubernetes")
    _write_credentials(site, {ADMIN: "system:masters", **(users or {})})
    command = [
        tool("kube-apiserver"),
        f"--etcd-servers={at.url('etcd')}",
        f"--bind-address={at.reach}",
        f"--secure-port={at.port('kube-apiserver')}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.key'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--service-cluster-ip-range={SERVICES}",
        # etcd 3.4, which Debian has, lacks what these two ask of it.
        "--feature-gates=WatchList=false,SizeBasedListCostEstimate=false",
        *flags,
    ]
    return _secured(site, "kube-apiserver", command, folder / "apiserver.crt", "/readyz")


def controller_manager(site: Site) -> Process:
    """Deployments, replica sets, namespaces, autoscalers and the rest."""
    folder = site.folder("kubernetes")
    command = [
        tool("kube-controller-manager"),
        *_client(site, "kube-controller-manager"),
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        f"--root-ca-file={folder / 'apiserver.crt'}",
        "--horizontal-pod-autoscaler-sync-period=1s",
    ]
    certificate = folder / "kube-controller-manager.crt"
    return _secured(site, "kube-controller-manager", command, certificate, "/healthz")


def scheduler(site: Site) -> Process:
    """Assigns pods to nodes."""
    command = [tool("kube-scheduler"), *_client(site, "kube-scheduler")]
    certificate = site.folder("kubernetes") / "kube-scheduler.crt"
    return _secured(site, "kube-scheduler", command, certificate, "/healthz")


def kwok(site: Site) -> Process:
    """Stands for every node's kubelet."""
    stages = module("kwok", "sigs.k8s.io/kwok") / "kustomize" / "stage"
    config = site.folder("config") / "kwok.yaml"
    config.write_text("\n---\n".join((stages / name).read_text() for name in STAGES))
    command = [
        tool("kwok"),
        f"--kubeconfig={kubeconfig(site)}",
        f"--config={config}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",
        f"--node-ip={HOST}",
        f"--server-address={site.addresses.endpoint('kwok')}",
    ]
    return site.process("kwok", command, site.addresses.url("kwok") + "/readyz")


def _client(site: Site, name: str) -> list[str]:
    return [
        # The API server also says who may read metrics.
        *(f"--{use}kubeconfig={kubeconfig(site)}" for use in ("", *DELEGATED)),
        f"--bind-address={site.addresses.reach}",
        f"--secure-port={site.addresses.port(name)}",
        f"--cert-dir={site.folder('kubernetes')}",
        "--leader-elect=false",
        "--authentication-skip-lookup",
    ]


def _secured(site: Site, name: str, command: list[str], certificate: Path, path: str) -> Process:
    process = site.process(name, command, f"https://{site.addresses.endpoint(name)}{path}")
    process.authority = certificate
    return process


def _write_credentials(site: Site, users: Mapping[str, str]) -> None:
    """Write a token and a kubeconfig for each user, and the key that signs account tokens."""
    folder = site.folder("kubernetes")
    folder.chmod(0o700)
    tokens = {user: secrets.token_urlsafe() for user in users}
    lines = [f'{tokens[user]},{user},{user},"{group}"\n' for user, group in users.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    key = [debian("openssl"), "genrsa", "-out", str(folder / "accounts.key"), "2048"]
    subprocess.run(key, check=True, capture_output=True)  # noqa: S603 - all ours
    for user, token in tokens.items():
        write_kubeconfig(site, user, token)

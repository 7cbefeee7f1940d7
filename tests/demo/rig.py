"""The demo's cluster, registry and git host as local processes.

Stand-ins: kwok's nodes and pods for kubelet and containers. The processes of Argo CD and Argo
Rollouts stand in for their pods: each starts when its workload or its kinds are in the cluster.
Argo CD has an administrator's rights here; tests/cluster runs it with its own.
Registry and git host are real, as processes and not as the demo's pods.
"""

import shlex
import subprocess
from pathlib import Path
from typing import Final

from demo import hosts
from stack import argocd, rollouts
from stack.cluster import Cluster
from stack.components import Site
from stack.kubernetes import kubeconfig
from stack.process import Process
from stack.ways import tool

from tests.cluster import charts
from tests.cluster.programs import run
from tests.service import ROOT

REPOSITORY: Final = "ports-platform"
# A manifest that installs the controllers alone creates no key; Argo CD's server does.
KEY: Final = '{"stringData": {"server.secretkey": "of no use outside a test"}}'


class Rig(Cluster):
    """An empty cluster, whose programs start when something is deployed; registry and git host."""

    def __init__(self, site: Site, prometheus: str) -> None:
        """Prepare the rig; nothing runs yet.

        Args:
            site: Where it lies.
            prometheus: URL of the Prometheus that Argo Rollouts asks.
        """
        super().__init__(site)
        self._prometheus = prometheus

    @property
    def registry(self) -> str:
        """The registry's address."""
        return self.site.addresses.endpoint("registry")

    @property
    def git(self) -> str:
        """URL of the repository on the git host."""
        return f"git://{self.site.addresses.endpoint('git')}/{REPOSITORY}"

    @property
    def repositories(self) -> Path:
        """Folder of the git host's repositories."""
        return self.site.folder("git")

    def _start(self) -> None:
        site = self.site
        create_repository(self.repositories)
        users = {rollouts.USER: "system:masters"}
        admin = kubeconfig(site)  # their service accounts come later, with their installation
        self._start_kubernetes(argocd.redis(site), registry(site), git_host(site), users=users)
        self._run(
            self._after("deployment/argocd-repo-server", argocd.repo_server(site, admin)),
            self._after(
                "statefulset/argocd-application-controller",
                argocd.application_controller(site, admin),
            ),
            self._after(
                "deployment/argocd-applicationset-controller",
                argocd.applicationset_controller(site, admin),
            ),
            self._after("crd/rollouts.argoproj.io", rollouts.controller(site, self._prometheus)),
        )
        if charts.ARE_REAL:
            self.apply(map(charts.volume, range(charts.VOLUMES)))
            self._run(charts.operator(site))

    def _after(self, wanted: str, process: Process) -> Process:
        """Start a program when an object is in the cluster, as a kubelet starts it with its pod."""
        site, kubectl = self.site, f"{shlex.quote(tool('kubectl'))} --namespace=argocd"
        script = (
            f"until {kubectl} get {wanted}; do sleep 0.5; done; "
            f"case {wanted} in crd/*) ;; *) "
            f"{kubectl} patch secret argocd-secret --type=merge --patch='{KEY}';; esac; "
            f"exec {shlex.join(process.command)}"
        )
        env = {"KUBECONFIG": str(kubeconfig(site)), **process.env}
        ready = site.addresses.url("kwok") + "/readyz"
        return site.process(process.name, ["sh", "-c", script], ready, env)


def create_repository(folder: Path) -> None:
    """Create the bare repository by the script of the git host's pod."""
    (deployment,) = [
        each
        for each in hosts.manifests(ROOT)
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "git")
    ]
    (container,) = deployment["spec"]["template"]["spec"]["initContainers"]
    (script,) = container["args"]
    run(*container["command"], script.replace("/srv/git", str(folder)))


def registry(site: Site) -> Process:
    """The registry that the demo's cluster has: distribution."""
    at, folder = site.addresses.endpoint("registry"), site.folder("registry")
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder)}},
        "http": {"addr": at},
    }
    command = [tool("registry"), "serve", str(site.config("registry", config))]
    return site.process("registry", command, f"http://{at}/v2/", {"OTEL_TRACES_EXPORTER": "none"})


def git_host(site: Site) -> Process:
    """The git host that the demo's cluster has, by the command of its pod: git's own server."""
    at = site.addresses
    command = [
        *("git", "daemon", "--reuseaddr", "--export-all", "--enable=receive-pack"),
        f"--listen={at.reach}",
        f"--port={at.port('git')}",
        f"--base-path={site.folder('git')}",
    ]
    return site.process("git", command, f"tcp://{at.endpoint('git')}")


def catalog(rig: Rig) -> set[str]:
    """Names and tags of the images that the registry has."""
    names = subprocess.run(
        [tool("crane"), "catalog", rig.registry], capture_output=True, text=True, check=True
    ).stdout.split()
    return {
        f"{name}:{tag}"
        for name in names
        for tag in run(tool("crane"), "ls", f"{rig.registry}/{name}").split()
    }

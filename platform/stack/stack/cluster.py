"""A cluster with Argo CD as local processes: a real API, real controllers, pretended nodes."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from stack import argocd, kubernetes
from stack.components import Site
from stack.errors import StackError
from stack.process import Process
from stack.stack import READY_SECONDS, Stack
from stack.ways import tool

NODES: Final = 3


class Cluster(Stack):
    """The processes of a cluster, and kubectl to speak with it."""

    def __init__(self, site: Site, *, with_health_check: bool = True) -> None:
        """Prepare the components of a site; nothing runs yet.

        Args:
            site: Where it lies.
            with_health_check: Whether Argo CD judges the health of applications, as its umbrella
                chart's values say.
        """
        super().__init__(site, with_service=False)
        self._with_health_check = with_health_check

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the cluster's administrator, and return what it printed.

        Raises:
            StackError: With its words, if it failed.
        """
        done = subprocess.run(  # noqa: S603 - our own command lines
            [tool("kubectl"), f"--kubeconfig={kubernetes.kubeconfig(self.site)}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind: str, *arguments: str) -> Any:
        """An object, or a list's `items`, as the API has them."""
        found = json.loads(self.kubectl("get", kind, *arguments, "--output=json"))
        return found["items"] if found["kind"] == "List" else found

    def apply(self, manifests: Iterable[Any], *flags: str) -> str:
        """Apply manifests on the server's side."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        command = ("apply", "--server-side", "--force-conflicts", *flags, "--filename=-")
        return self.kubectl(*command, stdin=json.dumps(items))

    def account(self, namespace: str, name: str) -> Path:
        """Write a kubeconfig of a service account, and return its path.

        The token is one that the API server issues, as it does for the account's pods.
        """
        token = self.kubectl("create", "token", name, f"--namespace={namespace}").strip()
        return kubernetes.write_kubeconfig(self.site, f"{namespace}.{name}", token)

    def _start(self) -> None:
        site = self.site
        self._start_kubernetes(argocd.redis(site))
        files = [f"--filename={file}" for file in argocd.crds()]
        self.kubectl("apply", "--server-side", *files)
        self.apply(argocd.configuration(with_health_check=self._with_health_check))
        self.apply(argocd.rights())
        for make, name in (
            (argocd.repo_server, "argocd-repo-server"),
            (argocd.application_controller, argocd.APPLICATION_CONTROLLER),
            (argocd.applicationset_controller, argocd.APPLICATIONSET_CONTROLLER),
        ):
            self._run(make(site, self.account(argocd.NAMESPACE, name)))

    def _start_kubernetes(self, *beside: Process, users: Mapping[str, str] | None = None) -> None:
        """Start the API, its controllers and nodes, and processes that need none of them.

        Args:
            beside: Processes that start at the same time.
            users: Maps each further user of the API to its group.
        """
        site = self.site
        # No endpoint is published for the API server, because it listens on a loopback address.
        apiserver = kubernetes.apiserver(site, "--endpoint-reconciler-type=none", users=users)
        for process in (kubernetes.etcd(site), apiserver):
            self._run(process)
            process.wait_ready(READY_SECONDS)
        parts = (
            kubernetes.controller_manager(site),
            kubernetes.scheduler(site),
            kubernetes.kwok(site),
        )
        self._run(*parts, *beside)
        self.apply(map(_node, range(NODES)))


def _node(number: int) -> dict[str, Any]:
    labels = {
        "kubernetes.io/hostname": f"node-{number}",
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": f"zone-{number}",
    }
    size = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{number}", "labels": labels},
        "status": {"capacity": size, "allocatable": size},
    }

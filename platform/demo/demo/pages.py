"""The addresses and passwords of what a person can look at."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from demo.cluster import Place
from demo.kubectl import Kubectl


@dataclass(frozen=True)
class Page:
    """A page in the cluster.

    Attributes:
        title: What it shows.
        namespace: Namespace of its Service.
        service: Its Service.
        target: Port of the Service.
        port: Port of this machine.
        secret: Secret with the administrator's password; empty if nobody logs in.
        key: The password's key there.
        scheme: Of its address.
    """

    title: str
    namespace: str
    service: str
    target: int
    port: int
    secret: str = ""
    key: str = ""
    scheme: str = "http"


ARGOCD: Final = Page(
    "Argo CD: every application", "argocd", "argocd-server", 443, 8443,
    "argocd-initial-admin-secret", "password", "https",
)  # fmt: skip
GRAFANA: Final = Page(
    "Grafana: SLOs, logs, traces", "observability", "grafana", 80, 3000,
    "grafana-admin", "admin-password",
)  # fmt: skip
PROMETHEUS: Final = Page(
    "Prometheus: rules and alerts", "observability", "prometheus-prometheus", 9090, 9090
)
JAEGER: Final = Page("Jaeger: traces", "observability", "jaeger", 16686, 16686)


def lines(place: Place, service: str, environments: Sequence[str]) -> list[str]:
    """Return a table of the pages that are there: what to type, its address, how to log in."""
    kubectl = place.kubectl
    services = [
        Page(f"{service} in {name}", f"{service}-{name}", service, 8080, port)
        for port, name in enumerate(environments, start=8081)
    ]
    there = [
        page
        for page in (ARGOCD, GRAFANA, PROMETHEUS, JAEGER, *services)
        if kubectl.get("service", page.service, f"--namespace={page.namespace}")
    ]
    return [
        "",
        "To open a page, type its command in a terminal with this setting:",
        f"  export KUBECONFIG={place.kubeconfig}",
        *(
            f"{page.title}: {page.scheme}://localhost:{page.port}{_login(kubectl, page)}\n"
            f"  kubectl --namespace {page.namespace} port-forward service/{page.service} "
            f"{page.port}:{page.target}"
            for page in there
        ),
        "",
    ]


def _login(kubectl: Kubectl, page: Page) -> str:
    if not page.secret:
        return ""
    secret = kubectl.get("secret", page.secret, f"--namespace={page.namespace}")
    if secret is None:
        return ""
    password = base64.b64decode(secret["data"][page.key]).decode()
    return f" (user admin, password {password})"

"""Where the backends run: as processes beside the node, or in its pods."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from stack import values

from tests.node.node import OBSERVABILITY, Node

# Service and port of each query interface in the cluster.
SERVICES: Final = {
    "prometheus": ("prometheus-prometheus", 9090),
    "alertmanager": ("prometheus-alertmanager", 9093),
    "jaeger": ("jaeger", 16686),
    "loki": ("loki", 3100),
}
_HERE: Final = f"--namespace={OBSERVABILITY}"


class Places(Protocol):
    """Where the backends run."""

    def url(self, name: str) -> str:
        """HTTP base URL of a backend."""

    def away(self, name: str) -> AbstractContextManager[None]:
        """Stop a backend, and start it again at the end."""

    def hasten(self, namespace: str) -> None:
        """Let an hour of the service's rules last a minute in a namespace."""


class Beside:
    """Processes beside the node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def url(self, name: str) -> str:
        return self._node.site.addresses.url(name)

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        self._node.processes[name].stop()
        try:
            yield
        finally:
            self._node.restart(name)

    def hasten(self, namespace: str) -> None:
        """Do nothing: Prometheus beside the node has these rules since its start."""


class InPods:
    """Pods of the node, which the umbrella charts bring."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._urls: dict[str, str] = {}

    def url(self, name: str) -> str:
        if name not in self._urls:
            service, port = SERVICES[name]
            found = self._node.get("service", service, _HERE)
            self._urls[name] = f"http://{found['spec']['clusterIP']}:{port}"
        return self._urls[name]

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        workload = f"statefulset/{name}"
        self._node.kubectl("scale", workload, "--replicas=0", _HERE)
        label = f"--selector=app.kubernetes.io/name={name}"
        self._node.kubectl("wait", "--for=delete", "pods", label, _HERE, "--timeout=60s")
        try:
            yield
        finally:
            self._node.kubectl("scale", workload, "--replicas=1", _HERE)
            self._node.kubectl("rollout", "status", workload, _HERE, "--timeout=120s")

    def hasten(self, namespace: str) -> None:
        """Apply the generated PrometheusRule with these rules, and scrape as often as they need."""
        rule = values.read(values.GENERATED / "ports" / "prometheusrule.yaml")
        rule["metadata"]["namespace"] = namespace
        (file,) = (each for each in self._node.site.rules or () if each.parent.name == "ports")
        rule["spec"] = values.read(file)
        self._node.apply([rule])
        second = [{"op": "replace", "path": "/spec/endpoints/0/interval", "value": "1s"}]
        patch = ("--type=json", f"--patch={json.dumps(second)}")
        self._node.kubectl("patch", "servicemonitor", "ports", *patch, f"--namespace={namespace}")

"""A release of the service's chart on the node."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.node.images import SERVICE
from tests.node.node import Node
from tests.terminal import attempt, run

CHART: Final = (
    "helm upgrade --install ports platform/chart -f platform/adopt.yaml "
    "-f services/ports/values.yaml -f platform/chart/values-local.yaml"
)


@dataclass
class Release:
    """A release of the service in a namespace.

    Attributes:
        node: Where it runs.
        namespace: Its namespace.
        typed: Environment of helm.
        is_monitored: Release its ServiceMonitor as well.
    """

    node: Node
    namespace: str
    typed: Mapping[str, str]
    is_monitored: bool = False

    def upgrade(self, *flags: str, **values: str) -> Self:
        """Install or upgrade the release, and wait until it is ready.

        Args:
            flags: Further flags of helm.
            values: Values of the chart; write `__` for a dot.
        """
        monitored = str(self.is_monitored).lower()
        given = {"image.tag": SERVICE, "serviceMonitor.enabled": monitored}
        given |= {key.replace("__", "."): value for key, value in values.items()}
        sets = " ".join(f"--set {key}={value}" for key, value in given.items())
        where = f"--namespace {self.namespace} --wait --timeout 120s"
        run(f"{CHART} {where} {sets} {' '.join(flags)}", env=self.typed, seconds=150)
        return self

    def helm(self, words: str) -> tuple[int, str]:
        """Run a command of helm in the namespace."""
        return attempt(f"helm {words} --namespace {self.namespace}", env=self.typed)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.node.kubectl(f"--namespace={self.namespace}", *arguments)

    def pods(self) -> list[dict[str, Any]]:
        """Return the server's pods that are not being deleted."""
        found = self.node.get(
            "pods",
            f"--namespace={self.namespace}",
            "--selector=app.kubernetes.io/component=server",
        )
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def address(self) -> str:
        """Address of the Service."""
        service = self.node.get("service", "ports", f"--namespace={self.namespace}")
        return str(service["spec"]["clusterIP"])

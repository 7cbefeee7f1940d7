"""Release the Collectors from their umbrella chart."""

from collections.abc import Mapping
from pathlib import Path

from tests.node import charts
from tests.node.node import OBSERVABILITY, Node
from tests.terminal import run


def release(node: Node, folder: Path, typed: Mapping[str, str]) -> None:
    """Release agent and gateway, and wait until they are ready."""
    chart = charts.copy(charts.COLLECTOR, folder)
    command = f"helm upgrade --install otel-collector '{chart}' --namespace {OBSERVABILITY}"
    if not charts.ARE_REAL:  # no operator runs that reads monitors
        command += (
            " --set agent.podMonitor.enabled=false --set gateway.serviceMonitor.enabled=false"
        )
    run(command, env=typed)
    for workload in ("daemonset/otel-agent-agent", "statefulset/otel-gateway"):
        where = (f"--namespace={OBSERVABILITY}", "--timeout=100s")
        node.kubectl("rollout", "status", workload, *where)

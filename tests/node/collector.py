"""Release the Collectors from the umbrella chart, with the upstream chart if CHART_STORE has it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stack import values

from tests.node.node import OBSERVABILITY, Node
from tests.node.parts import NAME
from tests.platform.charts import vendor
from tests.terminal import run

UMBRELLA: Final = values.PLATFORM / "otel-collector"
STAND_IN: Final = Path(__file__).with_name("chart") / "opentelemetry-collector"
UNPINNED: Final = "version: 0.0.0"
QUEUE: Final = "/var/lib/otelcol-gateway"


def chart(folder: Path) -> Path:
    """Copy the umbrella chart, with the dependency of CHART_STORE or with the stand-in."""
    copy = folder / UMBRELLA.name
    shutil.copytree(UMBRELLA, copy, ignore=shutil.ignore_patterns("charts"))
    if store := os.environ.get(vendor.STORE):
        vendor.vendor(copy, Path(store))
        return copy
    (pin,) = vendor.pins(copy)
    stand_in = copy / "charts" / pin.name
    shutil.copytree(STAND_IN, stand_in)
    described = (stand_in / "Chart.yaml").read_text()
    (stand_in / "Chart.yaml").write_text(described.replace(UNPINNED, f"version: {pin.version}"))
    return copy


def release(node: Node, chart: Path, typed: Mapping[str, str]) -> None:
    """Release agent and gateway, and wait until they are ready."""
    node.apply([_volume()])
    command = f"helm upgrade --install otel-collector '{chart}' --namespace {OBSERVABILITY}"
    # No operator runs here that reads monitors.
    off = "--set agent.podMonitor.enabled=false --set gateway.serviceMonitor.enabled=false"
    run(f"{command} {off}", env=typed)
    for workload in ("daemonset/otel-agent-agent", "statefulset/otel-gateway"):
        where = (f"--namespace={OBSERVABILITY}", "--timeout=100s")
        node.kubectl("rollout", "status", workload, *where)


def stand_ins() -> list[str]:
    """One line about each stand-in."""
    said = [
        "images: the built Collector under the official names; a pod's sandbox runs Debian's sleep",
        "backends: Jaeger, Loki, Prometheus, Alertmanager beside the node, as make stack runs them",
        "network: a bridge, which enforces no NetworkPolicy",
    ]
    if not os.environ.get(vendor.STORE):
        said.append("chart: opentelemetry-collector: tests/node/chart (no CHART_STORE)")
    return said


def _volume() -> dict[str, Any]:
    """A volume for the gateway's queue, because no provisioner runs here.

    Its kind is `local`, so that the kubelet gives the files to the pod's `fsGroup`.
    """
    Path(QUEUE).mkdir()
    name = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "queue"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": QUEUE},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [name]}]}},
        },
    }

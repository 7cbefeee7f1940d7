"""Pods that rendered objects lead to, those that the Prometheus operator makes included."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.platform.charts.releases import Object

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod")
# The operator makes StatefulSets of these; what is asked of the pods stands in the object itself.
OPERATED = ("Prometheus", "Alertmanager")


@dataclass(frozen=True)
class Pod:
    """The pods of one workload.

    Attributes:
        owner: Kind and name of the workload.
        namespace: Where they run.
        labels: Their labels.
        spec: Their specification.
        containers: All of their containers; of an operated object one, with its name.
        is_operated: The operator makes them.
    """

    owner: str
    namespace: str
    labels: dict[str, str]
    spec: dict[str, Any]
    containers: list[dict[str, Any]] = field(default_factory=list)
    is_operated: bool = False


def pods(objects: Iterable[Object]) -> Iterator[Pod]:
    """Yield the pods of every workload."""
    for each in objects:
        kind, meta, spec = each["kind"], each["metadata"], each.get("spec", {})
        owner, namespace = f"{kind} {meta['name']}", meta["namespace"]
        if kind in OPERATED:
            container = {"name": kind.lower(), "resources": spec.get("resources", {})}
            yield Pod(owner, namespace, {}, spec, [container], is_operated=True)
        elif kind in KINDS:
            template = {"metadata": meta, "spec": spec} if kind == "Pod" else spec["template"]
            inner = template["spec"]
            containers = [*inner.get("initContainers", ()), *inner["containers"]]
            labels = template.get("metadata", {}).get("labels", {})
            yield Pod(owner, namespace, labels, inner, containers)


def claim_templates(objects: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    """Yield the workload and each of its templates of PersistentVolumeClaims."""
    for each in objects:
        for template in each.get("spec", {}).get("volumeClaimTemplates", ()):
            yield f"{each['kind']} {each['metadata']['name']}", template

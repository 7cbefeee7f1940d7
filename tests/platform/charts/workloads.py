"""Pods that rendered objects lead to, those that the Prometheus operator makes included."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.platform.charts.releases import Object

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod")
# The operator makes StatefulSets of these; what is asked of the pods stands in the object itself.
# The labels are those that the operator gives to the pods, with the object's name as their value.
OPERATED = {
    "Prometheus": "operator.prometheus.io/name",
    "Alertmanager": "alertmanager",
    "ThanosRuler": "thanos-ruler",
}
APP = {"Prometheus": "prometheus", "Alertmanager": "alertmanager", "ThanosRuler": "thanos-ruler"}
_RELOADER = "--config-reloader-"


@dataclass(frozen=True)
class Pod:
    """The pods of one workload.

    Attributes:
        owner: Kind and name of the workload.
        namespace: Where they run.
        labels: Their labels.
        spec: Their specification.
        containers: All of their containers; of an operated object those that it names, and the
            reloader that the operator adds.
        is_operated: The operator makes them.
        replicas: How many there are; None of a DaemonSet, which has one for each node.
        claims: Size of each volume that a pod claims, as a quantity.
    """

    owner: str
    namespace: str
    labels: dict[str, str]
    spec: dict[str, Any]
    containers: list[dict[str, Any]] = field(default_factory=list)
    is_operated: bool = False
    replicas: int | None = 1
    claims: tuple[str, ...] = ()

    @property
    def running(self) -> list[dict[str, Any]]:
        """Return the containers that run for as long as the pod does."""
        first = {
            each["name"]
            for each in self.spec.get("initContainers", ())
            if each.get("restartPolicy") != "Always"
        }
        return [each for each in self.containers if each["name"] not in first]


def pods(objects: Iterable[Object]) -> Iterator[Pod]:
    """Yield the pods of every workload."""
    given = list(objects)
    least = dict(_autoscaled(given))
    for each in given:
        kind, meta, spec = each["kind"], each["metadata"], each.get("spec", {})
        owner, namespace = f"{kind} {meta['name']}", meta["namespace"]
        if kind in OPERATED:
            yield _operated(each, _reloader(given))
        elif kind in KINDS:
            template = {"metadata": meta, "spec": spec} if kind == "Pod" else spec["template"]
            inner = template["spec"]
            containers = [*inner.get("initContainers", ()), *inner["containers"]]
            labels = template.get("metadata", {}).get("labels", {})
            count = least.get((kind, meta["name"]), spec.get("replicas", 1))
            claims = (*_sizes(spec.get("volumeClaimTemplates", ())), *_ephemeral(inner))
            yield Pod(
                owner,
                namespace,
                labels,
                inner,
                containers,
                replicas=None if kind == "DaemonSet" else count,
                claims=claims,
            )


def _autoscaled(objects: Iterable[Object]) -> Iterator[tuple[tuple[str, str], int]]:
    for each in objects:
        if each["kind"] == "HorizontalPodAutoscaler":
            target = each["spec"]["scaleTargetRef"]
            yield (target["kind"], target["name"]), each["spec"]["minReplicas"]


def _operated(found: Object, reloader: Sequence[Object]) -> Pod:
    kind, name, spec = found["kind"], found["metadata"]["name"], found["spec"]
    containers = [{"name": APP[kind], "resources": spec.get("resources", {})}, *reloader]
    if "thanos" in spec:
        containers.append({"name": "thanos-sidecar", **spec["thanos"]})
    labels = {"app.kubernetes.io/name": APP[kind], OPERATED[kind]: name}
    template = spec.get("storage", {}).get("volumeClaimTemplate")
    return Pod(
        f"{kind} {name}",
        found["metadata"]["namespace"],
        labels,
        spec,
        containers,
        is_operated=True,
        replicas=spec.get("replicas", 1),
        claims=tuple(_sizes([template] if template else ())),
    )


def _reloader(objects: Iterable[Object]) -> list[Object]:
    """Return the container that reloads a configuration, as the operator's arguments size it."""
    for each in objects:
        if each["kind"] != "Deployment":
            continue
        for container in each["spec"]["template"]["spec"]["containers"]:
            args = [a for a in container.get("args", ()) if a.startswith(_RELOADER)]
            told = dict(arg.removeprefix(_RELOADER).split("=", 1) for arg in args)
            if told:
                resources = {
                    "requests": {"cpu": told["cpu-request"], "memory": told["memory-request"]},
                    "limits": {"memory": told["memory-limit"]},
                }
                return [{"name": "config-reloader", "resources": resources}]
    return []


def _ephemeral(spec: Object) -> Iterator[str]:
    volumes = spec.get("volumes") or ()
    templates = [v["ephemeral"]["volumeClaimTemplate"] for v in volumes if "ephemeral" in v]
    yield from _sizes(templates)


def _sizes(templates: Iterable[Object]) -> Iterator[str]:
    for template in templates:
        yield template["spec"]["resources"]["requests"]["storage"]


def claim_templates(objects: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    """Yield the workload and each of its templates of PersistentVolumeClaims."""
    for each in objects:
        for template in each.get("spec", {}).get("volumeClaimTemplates", ()):
            yield f"{each['kind']} {each['metadata']['name']}", template

"""Workloads that monitors scrape, and the ports of their pods."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.platform.charts import scrapes, workloads
from tests.platform.charts.releases import Object, labels_match
from tests.platform.charts.workloads import Pod

# Kinds whose pods run for as long as the platform does.
LASTING = ("Deployment", "StatefulSet", "DaemonSet", *workloads.OPERATED)
Port = str | int


def scraped(objects: Iterable[Object]) -> dict[str, set[Port]]:
    """Return each lasting workload, and the ports of its pods that monitors scrape."""
    given = list(objects)
    pods = [pod for pod in workloads.pods(given) if pod.owner.startswith(LASTING)]
    found: dict[str, set[Port]] = {pod.owner: set() for pod in pods}
    for monitor in given:
        for pod, port in _targets(monitor, given, pods):
            found[pod.owner].add(port)
    return found


def undeclared(objects: Iterable[Object]) -> list[str]:
    """Return the scraped ports that no container of the pod declares.

    The operator declares those of its own pods.
    """
    given = list(objects)
    pods = {pod.owner: pod for pod in workloads.pods(given)}
    return [
        f"{owner}: {port}"
        for owner, ports in scraped(given).items()
        for port in ports
        if not pods[owner].is_operated and port not in _declared(pods[owner])
    ]


def _targets(monitor: Object, given: list[Object], pods: list[Pod]) -> Iterator[tuple[Pod, Port]]:
    match monitor["kind"]:
        case "PodMonitor":
            for pod in pods:
                own = pod.namespace == monitor["metadata"]["namespace"]
                if own and labels_match(monitor["spec"]["selector"], pod.labels):
                    yield from ((pod, e["port"]) for e in monitor["spec"]["podMetricsEndpoints"])
        case "ServiceMonitor":
            wanted = {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
            for service in scrapes.selected(monitor, given):
                for port in service["spec"]["ports"]:
                    if port.get("name") in wanted:
                        target = port.get("targetPort", port["port"])
                        yield from ((pod, target) for pod in _behind(service, pods))


def _behind(service: Object, pods: list[Pod]) -> Iterator[Pod]:
    selector: Mapping[str, Any] = service["spec"].get("selector") or {}
    for pod in pods:
        here = pod.namespace == service["metadata"]["namespace"]
        if selector and here and labels_match({"matchLabels": selector}, pod.labels):
            yield pod


def _declared(pod: Pod) -> set[Port]:
    ports = [port for container in pod.containers for port in container.get("ports", ())]
    return {port["containerPort"] for port in ports} | {p["name"] for p in ports if "name" in p}

"""Addresses within the cluster: where they stand, and the Services that they must lead to."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.platform.charts import workloads
from tests.platform.charts.releases import OBSERVABILITY, Object

# A host with a port that is no number of an IP address, no image and no label of a container.
_ADDRESS = re.compile(
    r"(?<![\w.@/-])(?:[a-z]+://)?([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*):(\d{2,5})\b"
)
_DEFAULT = re.compile(r"\$\{(?:env:)?\w+:-([^}]*)\}")
HERE = ("localhost",)
# Headless Services that the Prometheus operator makes, with the ports of its pods.
OPERATED = {
    "alertmanager-operated": {9093},
    "prometheus-operated": {9090},
    "thanos-ruler-operated": {10901, 10902},
}


def inside(value: Any, path: str = "") -> Iterator[tuple[str, str, int]]:
    """Yield path, host and port of every address within values; defaults of variables count."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from inside(each, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from inside(each, f"{path}[{index}]")
    elif isinstance(value, str):
        for host, port in _ADDRESS.findall(_DEFAULT.sub(r"\1", value)):
            if host not in HERE:
                yield path, host, int(port)


def ports(objects: Iterable[Object]) -> dict[tuple[str, str], set[int]]:
    """Return the ports of every Service by its name and namespace."""
    return {
        (each["metadata"]["name"], each["metadata"]["namespace"]): {
            port["port"] for port in each["spec"]["ports"]
        }
        for each in objects
        if each["kind"] == "Service"
    }


def resolves(
    host: str, port: int, known: dict[tuple[str, str], set[int]], namespace: str = OBSERVABILITY
) -> bool:
    """Does a host with a port lead to a Service, seen from a namespace?

    A host may name a pod of a headless Service: `<pod>.<service>`.
    """
    parts = [*host.split("."), namespace, namespace]
    there = {**{(name, OBSERVABILITY): own for name, own in OPERATED.items()}, **known}
    own = there.get((parts[0], parts[1]), set())
    of_pod = there.get((parts[1], parts[2]), set())
    return port in own | of_pod


def unresolved(
    everything: list[Object], services: list[Object]
) -> tuple[set[str], list[tuple[str, str, str, int]]]:
    """Return the hosts that pods and services ask for, and the addresses without a Service.

    An address is the name and namespace of who asks, and the host and port asked for.
    """
    known = ports([*everything, *services])
    asked = [
        (each["metadata"]["name"], each["metadata"]["namespace"], host, port)
        for each in services
        for _, host, port in inside(each.get("spec", {}))
    ]
    for pod in workloads.pods(everything):
        for container in pod.containers:
            for _, host, port in inside(container.get("env", [])):
                asked.append((pod.owner, pod.namespace, host, port))
    dead = [each for each in asked if not resolves(each[2], each[3], known, each[1])]
    return {host for _, _, host, _ in asked}, dead

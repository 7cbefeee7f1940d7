"""Rights of the platform beyond its own pods: grants of the API, and ways onto the node."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stack import values

from tests.platform.charts import workloads
from tests.platform.charts.releases import Object

LISTED = Path(__file__).with_name("privileges.yaml")
ROLES = ("ClusterRole", "Role")


def listed(section: str) -> dict[str, dict[str, Any]]:
    """Return a section of the list: what is meant to be, each entry with its reason."""
    found: dict[str, dict[str, Any]] = values.read(LISTED)[section]
    return found


def grants(objects: Iterable[Object]) -> dict[str, list[str]]:
    """Return what each role allows, a line a rule; roles without any do not count."""
    found = {}
    for each in objects:
        if each["kind"] in ROLES and (rules := each.get("rules")):
            found[f"{each['kind']} {each['metadata']['name']}"] = sorted(map(_line, rules))
    return found


def _line(rule: Object) -> str:
    verbs = ",".join(sorted(rule["verbs"]))
    if "nonResourceURLs" in rule:
        return f"{verbs} {','.join(sorted(rule['nonResourceURLs']))}"
    groups = "|".join(sorted(rule["apiGroups"]))
    what = f"{groups}/{','.join(sorted(rule['resources']))}".removeprefix("/")
    names = ",".join(sorted(rule.get("resourceNames", ())))
    return f"{verbs} {what} {names}".rstrip()


def onto_the_node(objects: Iterable[Object]) -> dict[str, list[str]]:
    """Return what of the node each workload uses: its namespaces, its ports, its file system."""
    found = {}
    for pod in workloads.pods(objects):
        used = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key)]
        for container in pod.containers:
            ports = container.get("ports", ())
            used += [f"hostPort {port['hostPort']}" for port in ports if "hostPort" in port]
            if container.get("securityContext", {}).get("privileged"):
                used.append(f"privileged {container['name']}")
        volumes = pod.spec.get("volumes", ())
        used += [f"hostPath {each['hostPath']['path']}" for each in volumes if "hostPath" in each]
        if used:
            found[pod.owner] = sorted(used)
    return found


def unbounded(objects: Iterable[Object]) -> list[str]:
    """Return the containers without requests of processor and memory, or without a memory limit."""
    found = []
    for pod in workloads.pods(objects):
        for container in pod.containers:
            resources = container.get("resources") or {}
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if not {"cpu", "memory"} <= requests.keys() or "memory" not in limits:
                found.append(f"{pod.owner}: {container['name']}")
    return found

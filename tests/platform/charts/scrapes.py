"""Jobs that Prometheus gives to what the rendered monitors select, and what alerts ask of jobs.

The operator makes scrape configurations of monitors. A target's `job` is `namespace/podmonitor` for
a PodMonitor. For a ServiceMonitor it is the value of the Service's label that `jobLabel` names, or
the Service's name. Relabelings of `job` come after that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.platform.charts import workloads
from tests.platform.charts.releases import Object, labels_match

# Services that no chart renders: Kubernetes' own, and the one that the operator keeps for kubelets.
OUTSIDE: tuple[Object, ...] = (
    {
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {"ports": [{"name": "https", "port": 443}]},
    },
    {
        "kind": "Service",
        "metadata": {
            "name": "prometheus-kubelet",
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/name": "kubelet", "k8s-app": "kubelet"},
        },
        "spec": {"ports": [{"name": "https-metrics", "port": 10250}]},
    },
)
_SELECTOR = re.compile(r"\{([^{}]*)\}")
_JOB = re.compile(r'\bjob\s*(=~|=)\s*"((?:[^"\\]|\\.)*)"')


def jobs(objects: Iterable[Object]) -> dict[str, str]:
    """Return every job that the monitors make, and the monitor that makes it."""
    given = (*objects, *OUTSIDE)
    found: dict[str, str] = {}
    for monitor in given:
        for job in monitored(monitor, given):
            found[job] = f"{monitor['kind']} {monitor['metadata']['name']}"
    return found


def monitored(monitor: Object, objects: Iterable[Object]) -> Iterator[str]:
    """Yield the jobs of what a monitor selects; nothing if it selects nothing, or is no monitor."""
    match monitor["kind"]:
        case "ServiceMonitor":
            yield from _services(monitor, objects)
        case "PodMonitor":
            yield from _pods(monitor, objects)


def _services(monitor: Object, objects: Iterable[Object]) -> Iterator[str]:
    spec = monitor["spec"]
    for service in selected(monitor, objects):
        labels = service["metadata"].get("labels", {})
        job = labels.get(spec.get("jobLabel", "")) or service["metadata"]["name"]
        ports = {port.get("name") for port in service["spec"]["ports"]}
        for endpoint in spec["endpoints"]:
            if endpoint["port"] in ports:
                yield _relabeled(job, endpoint)


def _pods(monitor: Object, objects: Iterable[Object]) -> Iterator[str]:
    spec, own = monitor["spec"], monitor["metadata"]["namespace"]
    for pod in workloads.pods(objects):
        if pod.namespace != own or not labels_match(spec["selector"], pod.labels):
            continue
        ports = {p.get("name") for c in pod.containers for p in c.get("ports", ())}
        for endpoint in spec["podMetricsEndpoints"]:
            if endpoint["port"] in ports:
                yield _relabeled(f"{own}/{monitor['metadata']['name']}", endpoint)


def selected(monitor: Object, objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the Services that a ServiceMonitor selects."""
    spec = monitor["spec"]
    among = spec.get("namespaceSelector", {})
    namespaces = among.get("matchNames", [monitor["metadata"]["namespace"]])
    for each in objects:
        meta = each["metadata"]
        if each["kind"] != "Service" or not labels_match(spec["selector"], meta.get("labels", {})):
            continue
        if among.get("any") or meta["namespace"] in namespaces:
            yield each


def _relabeled(job: str, endpoint: Mapping[str, Any]) -> str:
    for each in endpoint.get("relabelings", ()):
        if each.get("targetLabel") == "job" and each.get("action", "replace") == "replace":
            job = str(each["replacement"]).replace("$1", job)
    return job


def alerts(objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Yield the name and the expression of every alert among the rules."""
    for rule in _alert_rules(objects):
        yield rule["alert"], str(rule["expr"])


def _alert_rules(objects: Iterable[Object]) -> Iterator[dict[str, Any]]:
    for each in objects:
        if each["kind"] == "PrometheusRule":
            for group in each["spec"]["groups"]:
                yield from (rule for rule in group["rules"] if "alert" in rule)


def severities(objects: Iterable[Object]) -> dict[str, list[str]]:
    """Return every alert among the rules, by name, and the severities that its rules give it."""
    found: dict[str, set[str]] = {}
    for rule in _alert_rules(objects):
        found.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    return {name: sorted(found[name]) for name in sorted(found)}


def without_runbook(objects: Iterable[Object]) -> list[str]:
    """Return the alerts that name no page that tells what to do."""
    rules = _alert_rules(objects)
    return [r["alert"] for r in rules if not r["annotations"].get("runbook_url")]


def unmatched(expression: str, known: Iterable[str]) -> list[str]:
    """Return the matchers of `job` in a PromQL expression that pick none of the known jobs."""
    jobs_known = list(known)
    missed = []
    for selector in _SELECTOR.findall(expression):
        for operator, value in _JOB.findall(selector):
            text = value.replace("\\\\", "\\")
            pattern = text if operator == "=~" else re.escape(text)
            if not any(re.fullmatch(pattern, job) for job in jobs_known):
                missed.append(f'job{operator}"{value}"')
    return missed

"""A service's rules and their tests as a cluster has them, each namespace to itself.

A stand-in for the Prometheus operator, which parses each expression and adds the namespace to
every selector, and to the labels of every rule (its `EnforceNamespaceLabel`).
"""

import copy
import functools
import re
from typing import Any

from slo import probes
from slo.alerts import watchdog_name
from slo.series import prober
from stack import values

from tests.platform.chart import render

Yaml = dict[str, Any]
_SELECTOR = re.compile(r"\{(?=\w+(?:=|!))")  # not a brace of a route, such as /ports/{id}
_SERIES = re.compile(r"^(?P<metric>\w+)\{(?P<labels>.*)\}$")
_ENVIRONMENT = re.compile(r'deployment_environment_name="([^"]*)"')


def rules(given: Yaml, namespace: str) -> Yaml:
    """Return rule groups as the operator hands them to Prometheus."""
    changed = copy.deepcopy(given)
    for group in changed["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _SELECTOR.sub(f'{{namespace="{namespace}", ', rule["expr"])
            rule["labels"] = {**rule.get("labels", {}), "namespace": namespace}
    return changed


def tests(given: Yaml, service: str, namespace: str) -> Yaml:
    """Return promtool's tests with the labels of real targets; queries of recorded series go."""
    changed = copy.deepcopy(given)
    for test in changed["tests"]:
        test.pop("promql_expr_test", None)
        for series in test.get("input_series", ()):
            series["series"] = _scraped(series["series"], service)
        for alert in test["alert_rule_test"]:
            for expected in alert["exp_alerts"]:
                expected["exp_labels"]["namespace"] = namespace
    return changed


def watchdog_tests(given: Yaml, service: str, environment: str) -> Yaml:
    """Return promtool's tests of the watchdog, for the rules of one environment's namespace."""
    name = watchdog_name(service)
    (rule,) = (
        rule for group in given["groups"] for rule in group["rules"] if rule.get("alert") == name
    )
    labels = {
        "severity": "none",
        "service_name": service,
        "deployment_environment_name": environment,
        "namespace": f"{service}-{environment}",
    }
    told = {
        key: text.replace("{{ $labels.deployment_environment_name }}", environment)
        for key, text in rule["annotations"].items()
    }
    fires = {"exp_labels": labels, "exp_annotations": told}
    alerts = [{"eval_time": "1h", "alertname": name, "exp_alerts": [fires]}]
    test = {"name": f"{name} of {environment}", "interval": "1m", "alert_rule_test": alerts}
    return {"rule_files": ["rules.yaml"], "tests": [test]}


def _scraped(series: str, service: str) -> str:
    found = _SERIES.match(series)
    assert found, series
    environment = _ENVIRONMENT.search(found["labels"])
    if environment is None:  # of kube-state-metrics, whose own labels stand
        target = {"job": "kube-state-metrics", "container": "kube-state-metrics"}
    else:
        by_prober = found["metric"] in probes.COUNTERS or prober(service) in found["labels"]
        monitor = prober(service) if by_prober else service
        target = target_labels(service, environment[1], monitor, found["metric"])
    labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found["labels"]))
    rendered = ", ".join(f'{name}="{value}"' for name, value in {**labels, **target}.items())
    return f"{found['metric']}{{{rendered}}}"


@functools.cache
def target_labels(service: str, environment: str, monitor: str, metric: str) -> dict[str, str]:
    """Return the labels that a rendered ServiceMonitor and the operator give to a metric."""
    manifests = render.service(service, "--set", f"environment={environment},prober.enabled=true")
    (endpoint,) = (
        endpoint
        for each in render.objects(manifests)
        if (each["kind"], each["metadata"]["name"]) == ("ServiceMonitor", monitor)
        for endpoint in each["spec"]["endpoints"]
    )
    # Prometheus does not relabel its own series about a scrape.
    of_metrics = endpoint.get("metricRelabelings", []) if metric != "up" else []
    for each in of_metrics:
        assert each["action"] != "keep" or re.fullmatch(each["regex"], metric), metric
    relabeled = {
        each["targetLabel"]: each["replacement"]
        for each in (*endpoint["relabelings"], *of_metrics)
        if each["action"] == "replace"
    }
    enforced = values.prometheus()["prometheus"]["prometheusSpec"]["enforcedNamespaceLabel"]
    return {
        "job": monitor,
        "service": monitor,
        "container": monitor,
        "pod": f"{monitor}-5f7c",
        "instance": "10.0.0.1:9090",
        "endpoint": endpoint["port"],
        **relabeled,
        enforced: f"{service}-{environment}",
    }

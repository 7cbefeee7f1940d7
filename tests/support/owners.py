"""Metrics that the platform's alerts read, and the tests that ask each metric's owner about it.

The whole stack has most of them (`tests/e2e/test_overload.py`). Other components run elsewhere.
"""

import re
from collections.abc import Iterable
from typing import Final

from stack import values

THANOS: Final = ("thanos_", "http_requests_total", "grpc_client_")
OPTIONS_OF_COLLECTORS: Final = ("otelcol_loadbalancer_", "otelcol_processor_tail_sampling_")
ARGO_CD: Final = ("argocd_",)
API_SERVER: Final = ("apiserver_",)
ROLLOUTS: Final = ("rollout_",)
KUBE_STATE_METRICS: Final = ("kube_",)
# Grafana cannot be built here. Its source has the name and the labels, in
# pkg/middleware/request_metrics.go of a version that nobody compared with the chart's.
GRAFANA: Final = ("grafana_",)

# Beginnings of metrics that the stack does not have, and the test that asks for them.
ELSEWHERE: Final = {
    THANOS: "tests/thanos/test_alerts.py",
    OPTIONS_OF_COLLECTORS: "tests/e2e/test_collector_metrics.py",
    ARGO_CD: "tests/cluster/test_alerts.py",
    API_SERVER: "tests/cluster/test_alerts.py",
    ROLLOUTS: "tests/rollouts/test_alerts.py",
    KUBE_STATE_METRICS: "tests/node/test_upstream.py",
    GRAFANA: None,
}
_METRIC: Final = re.compile(r"(?<![\w\"])([a-z]\w*_\w+)(\{[^{}]*\})?(?=[\s\[)]|$)")
_LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{(.*)\})? ", re.MULTILINE)
_PAIR: Final = re.compile(r"(?:^|,)(\w+)=\"")
_GROUPING: Final = re.compile(r"\b(?:by|on|without|ignoring|group_left) \([^()]*\)")


def elsewhere() -> tuple[str, ...]:
    """Return the beginnings of all metrics that the stack does not have."""
    return tuple(prefix for prefixes in ELSEWHERE for prefix in prefixes)


def read_by_alerts(prefixes: tuple[str, ...]) -> dict[str, set[str]]:
    """Return the metrics with one of some beginnings, and the labels that alerts select by."""
    found: dict[str, set[str]] = {}
    for group in values.pipeline_rules()["groups"]:
        for rule in group["rules"]:
            for metric, selector in _METRIC.findall(_GROUPING.sub("", rule["expr"])):
                if metric.startswith(prefixes):
                    found.setdefault(metric, set()).update(_LABEL.findall(selector))
    return {metric: labels - {"job"} for metric, labels in found.items()}


def missing(prefixes: tuple[str, ...], expositions: Iterable[str]) -> dict[str, set[str]]:
    """Return what alerts read and no component exposes.

    Args:
        prefixes: Beginnings of the metrics that the components own.
        expositions: What each component answers at /metrics.

    Returns:
        Metrics, each with the labels that no sample of it has together.
    """
    exposed: dict[str, list[set[str]]] = {}
    for text in expositions:
        for metric, labels in _SAMPLE.findall(text):
            exposed.setdefault(metric, []).append(set(_PAIR.findall(labels)))
    return {
        metric: labels
        for metric, labels in read_by_alerts(prefixes).items()
        if not any(labels <= present for present in exposed.get(metric, []))
    }

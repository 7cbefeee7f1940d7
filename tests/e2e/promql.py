"""Every PromQL query that rules, dashboards and documents hold, and what each one reads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from slo import series
from stack import dashboards, values
from stack.dashboards import fill
from stack.values import ROOT

from tests.e2e.backends import Backends

GENERATED: Final = ROOT / "platform" / "generated"
# Series that Prometheus itself adds to each scrape.
OF_THE_SCRAPE: Final = {
    "up", "scrape_body_size_bytes", "scrape_duration_seconds", "scrape_sample_limit",
    "scrape_samples_post_metric_relabeling", "scrape_samples_scraped", "scrape_series_added",
    "scrape_timeout_seconds", "target_info",
}  # fmt: skip
# Counters that exist from the first failure on.
ON_FAILURE_ONLY: Final = re.compile(
    r"otelcol_exporter_(enqueue|send)_failed_.*"
    r"|loki_(discarded_samples|ingester_wal_corruptions)_total"
)
# An external label: the stack's Prometheus has none, and needs none.
EXTERNAL: Final = {series.CLUSTER}
LEGEND_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
FENCED_PROMQL: Final = re.compile(r"```promql\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Panel:
    """One query of a dashboard's panel."""

    dashboard: str
    title: str
    expr: str
    number: int
    legend: str

    @property
    def legend_labels(self) -> set[str]:
        """Labels that the legend writes out."""
        return set(LEGEND_LABEL.findall(self.legend)) - EXTERNAL

    def query(self, scrape_seconds: float) -> str:
        """The query as Grafana sends it, the variables filled in."""
        return fill(self.expr, scrape_seconds)

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title} ({self.number})"


@dataclass(frozen=True)
class Reading:
    """Labels that a query reads, of one of some metrics at least.

    A selector reads its labels of one metric. A grouping or a match reads its label of any metric
    below that has the label.
    """

    metrics: frozenset[str]
    labels: frozenset[str]

    def presence(self) -> str:
        """A selector of the metrics' series that have all the labels."""
        labels = "".join(f',{label}!=""' for label in sorted(self.labels))
        return f'{{__name__=~"{"|".join(sorted(self.metrics))}"{labels}}}'

    def __str__(self) -> str:
        return f"{' or '.join(sorted(self.metrics))}{{{', '.join(sorted(self.labels))}}}"


def panels(file: Path) -> Iterator[Panel]:
    """Queries of a dashboard's panels, rows' inner panels included."""
    dashboard = dashboards.read(file)
    for panel in dashboards.panels(dashboard):
        for number, target in enumerate(panel.get("targets", []), start=1):
            legend = target.get("legendFormat", "")
            yield Panel(dashboard["uid"], panel["title"], target["expr"], number, legend)


def autoscaler_metrics(manifest: str) -> list[str]:
    """Metrics that a HorizontalPodAutoscaler's manifest asks for, of kinds that Prometheus has.

    Resource metrics (cpu, memory) come from the kubelet and are none of Prometheus'.
    """
    metrics = manifest.partition("\n  metrics:\n")[2]
    kinds = re.findall(r"^\s*- type: (\w+)$", metrics, re.MULTILINE)
    found = re.findall(r"^\s*metric:\n\s*name: (\S+)$", metrics, re.MULTILINE)
    assert kinds, "no metrics"
    assert len(found) == sum(kind in {"Pods", "Object", "External"} for kind in kinds), kinds
    return found


def queries() -> Iterator[tuple[str, str]]:
    """All queries, each with the name of what holds it."""
    yield from _of_autoscalers()
    for file in GENERATED.glob("*/rules.yaml"):
        name, rules = str(file.relative_to(ROOT)), values.read(file)
        for group in rules["groups"]:
            for rule in group["rules"]:
                yield f"{name}: {rule.get('record') or rule['alert']}", rule["expr"]
    for file in dashboards.FILES:
        for panel in panels(file):
            yield str(panel), panel.query(1)
    for page in ROOT.glob("services/*/runbooks/*.md"):
        for query in FENCED_PROMQL.findall(page.read_text()):
            yield str(page.relative_to(ROOT)), fill(query, 1)


def _of_autoscalers() -> Iterator[tuple[str, str]]:
    for file in (ROOT / "platform").glob("*/templates/*.yaml"):
        if "kind: HorizontalPodAutoscaler" in (text := file.read_text()):
            for metric in autoscaler_metrics(text):
                yield str(file.relative_to(ROOT)), metric


@cache
def readings(backends: Backends, query: str) -> frozenset[Reading]:
    """The metrics and labels that a query reads, as Prometheus itself parses it."""
    answer = backends.http.get(
        f"{backends.at.url('prometheus')}/api/v1/parse_query", params={"query": query}
    )
    assert answer.is_success, (query, answer.text)
    return frozenset(_readings(answer.json()["data"]))


def metrics(backends: Backends, query: str) -> set[str]:
    """Names of the metrics that a query reads."""
    return {name for reading in readings(backends, query) for name in reading.metrics}


def _readings(node: Any) -> Iterator[Reading]:
    if isinstance(node, list):
        for item in node:
            yield from _readings(item)
    if not isinstance(node, dict):
        return
    if node.get("type") in {"vectorSelector", "matrixSelector"}:
        if node["name"] and not ON_FAILURE_ONLY.fullmatch(node["name"]):
            yield Reading(frozenset({node["name"]}), frozenset(_present(node["matchers"])))
        return
    for value in node.values():
        yield from _readings(value)
    if node.get("type") == "aggregation" and not node["without"]:
        yield from _by(node["grouping"], node["expr"])
    matching = node.get("matching") or {}
    if matching.get("on"):
        for side in ("lhs", "rhs"):
            yield from _by(matching["labels"], node[side])


def _by(labels: list[str], below: Any) -> Iterator[Reading]:
    names = frozenset(name for reading in _readings(below) for name in reading.metrics)
    if names:  # none below a number
        yield from (Reading(names, frozenset({label})) for label in labels if label not in EXTERNAL)


def _present(matchers: list[dict[str, str]]) -> Iterator[str]:
    """Labels that must be there: a matcher that an absent label meets says nothing about it."""
    for matcher in matchers:
        kind, value = matcher["type"], matcher["value"]
        absent_meets = {
            "=": value == "",
            "!=": value != "",
            "=~": re.fullmatch(value, "") is not None,
            "!~": re.fullmatch(value, "") is None,
        }
        if matcher["name"] != "__name__" and not absent_meets[kind]:
            yield matcher["name"]


def family(metric: str) -> str:
    """Name of the metric that a series belongs to."""
    return re.sub(r"_(bucket|count|sum)$", "", metric)

"""Every PromQL query that rules, dashboards and documents hold, and what each one reads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from stack import dashboards, values
from stack.dashboards import fill
from stack.values import ROOT

from tests.e2e.backends import Backends

GENERATED: Final = ROOT / "platform" / "generated"
# What Prometheus itself adds to each scrape.
OF_THE_SCRAPE: Final = {
    "up", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped", "scrape_series_added", "target_info",
}  # fmt: skip
# Counters that exist from the first failure on, and alerts while they are pending or firing.
ON_FAILURE_ONLY: Final = re.compile(r"otelcol_exporter_(enqueue|send)_failed_.*|ALERTS.*")
FENCED_PROMQL: Final = re.compile(r"```promql\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Panel:
    """One query of a dashboard's panel."""

    dashboard: str
    title: str
    expr: str
    number: int

    def query(self, scrape_seconds: float) -> str:
        """The query as Grafana sends it, the variables filled in."""
        return fill(self.expr, scrape_seconds)

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title} ({self.number})"


@dataclass(frozen=True)
class Selector:
    """What a query reads: a metric, by some labels."""

    metric: str
    labels: frozenset[str]

    def presence(self) -> str:
        """A selector of the metric's series that have all the labels."""
        labels = "".join(f',{label}!=""' for label in sorted(self.labels))
        return f'{{__name__="{self.metric}"{labels}}}'

    def __str__(self) -> str:
        return f"{self.metric}{{{', '.join(sorted(self.labels))}}}"


def panels(file: Path) -> Iterator[Panel]:
    """Queries of a dashboard's panels, rows' inner panels included."""
    dashboard = dashboards.read(file)
    for panel in dashboards.panels(dashboard):
        for number, target in enumerate(panel.get("targets", []), start=1):
            yield Panel(dashboard["uid"], panel["title"], target["expr"], number)


def queries() -> Iterator[tuple[str, str]]:
    """All queries, each with the name of what holds it."""
    rule_files = [
        (str(f.relative_to(ROOT)), values.read(f)) for f in GENERATED.glob("*/rules.yaml")
    ]
    for name, rules in [*rule_files, ("pipeline rules", values.pipeline_rules())]:
        for group in rules["groups"]:
            for rule in group["rules"]:
                yield f"{name}: {rule.get('record') or rule['alert']}", rule["expr"]
    for file in dashboards.FILES:
        for panel in panels(file):
            yield str(panel), panel.query(1)
    for page in ROOT.glob("services/*/runbooks/*.md"):
        for query in FENCED_PROMQL.findall(page.read_text()):
            yield str(page.relative_to(ROOT)), fill(query, 1)


@cache
def selectors(backends: Backends, query: str) -> frozenset[Selector]:
    """What a query reads, as Prometheus itself parses it."""
    answer = backends.http.get(
        f"{backends.at.url('prometheus')}/api/v1/parse_query", params={"query": query}
    )
    assert answer.is_success, (query, answer.text)
    return frozenset(_selectors(answer.json()["data"]))


def _selectors(node: Any) -> Iterator[Selector]:
    if isinstance(node, list):
        for item in node:
            yield from _selectors(item)
    elif isinstance(node, dict):
        if node.get("type") in {"vectorSelector", "matrixSelector"}:
            # A matcher that is met by an absent label says nothing about its presence.
            labels = frozenset(
                m["name"] for m in node["matchers"] if m["name"] != "__name__" and m["type"] == "="
            )
            if node["name"] and not ON_FAILURE_ONLY.fullmatch(node["name"]):
                yield Selector(node["name"], labels)
        else:
            for value in node.values():
                yield from _selectors(value)


def family(metric: str) -> str:
    """Name of the metric that a series belongs to."""
    return re.sub(r"_(bucket|count|sum)$", "", metric)

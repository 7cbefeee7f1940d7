"""A service's own metrics, each with the panel that its kind asks for."""

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from slo.dashboards.frame import PODS
from slo.dashboards.own import own
from telemetry.names import Metric

RATE = f"{{{PODS}}}[$__rate_interval]"
QUANTILE = "histogram_quantile(0.99, sum by (le, hall)"


def panel(metric: Metric) -> dict[str, Any]:
    (made,) = own([metric])
    encoded: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(made.build()))
    return encoded


@pytest.mark.parametrize(
    ("metric", "title", "unit", "expr", "legend"),
    [
        (
            Metric("orders_placed_total", "counter", "{order}", "Orders placed.", ("kind",)),
            "Orders placed per second",
            "short",
            f"sum by (kind) (rate(orders_placed_total{RATE}))",
            "{{kind}}",
        ),
        (
            Metric("orders_open", "gauge", "{order}", "Orders that are open."),
            "Orders open",
            "short",
            f"sum(orders_open{{{PODS}}})",
            "all",
        ),
        (
            Metric("stock_held", "gauge", "{item}", "Items held.", merge="mostrecent"),
            "Stock held",
            "short",
            f"max(stock_held{{{PODS}}})",
            "all",
        ),
        (
            Metric("sync_last_timestamp_seconds", "gauge", "s", "Last sync.", merge="mostrecent"),
            "Time since sync last",
            "s",
            f"time() - max(sync_last_timestamp_seconds{{{PODS}}})",
            "all",
        ),
        (
            Metric("pick_duration_seconds", "histogram", "s", "Time to pick.", ("hall",)),
            "Pick duration, 99th percentile",
            "s",
            f"{QUANTILE} (rate(pick_duration_seconds_bucket{RATE})))",
            "{{hall}}",
        ),
    ],
)
def test_each_kind_has_its_panel(
    metric: Metric, title: str, unit: str, expr: str, legend: str
) -> None:
    made = panel(metric)
    (target,) = made["targets"]
    assert (made["title"], made["fieldConfig"]["defaults"]["unit"]) == (title, unit)
    assert (target["expr"], target["legendFormat"]) == (expr, legend)
    assert metric.meaning in made["description"]

"""A service to check selectors by: it has two routes, and a counter of its own."""

import json
from collections.abc import Sequence
from pathlib import Path

ROUTES = ("/a", "/b")
NAMES = """\
from telemetry.names import Declaration, Metric

DECLARED = Declaration(
    metrics=(
        Metric(
            "shop_orders_total", "counter", "{order}", "Orders that ended.", ("result", "till"),
            values={"result": ("done", "failed")},
        ),
        Metric(
            "shop_refunds_total", "counter", "{refund}", "Refunds.", ("result",),
            values={"result": ("done", "failed")},
        ),
        Metric("shop_open", "gauge", "{order}", "Orders that are open."),
    )
)
"""


def write(home: Path, routes: Sequence[str]) -> None:
    """Write what the contract of a service is read from, into its folder."""
    operations: dict[str, dict[str, str]] = {"get": {}, "put": {}}
    paths = dict.fromkeys(routes, operations)
    (home / "openapi.json").write_text(json.dumps({"paths": paths}))
    (home / "shop").mkdir(exist_ok=True)
    (home / "shop/names.py").write_text(NAMES)

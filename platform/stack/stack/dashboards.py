"""The generated dashboards, and their queries as Grafana sends them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stack.components import ENVIRONMENT
from stack.values import GENERATED

FILES: Final = tuple(sorted(GENERATED.glob("*/dashboards/*.json")))
SERVICE: Final = "ports"

Json = dict[str, Any]


def read(file: Path) -> Json:
    """Read a dashboard."""
    dashboard: Json = json.loads(file.read_text())
    return dashboard


def panels(dashboard: Mapping[str, Any]) -> Iterator[Json]:
    """A dashboard's panels, those within rows included."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panels({"panels": panel.get("panels", [])})


def fill(
    expr: str, scrape_seconds: float, *, shown_seconds: float = 300, step_seconds: float = 0
) -> str:
    """Fill Grafana's variables in.

    Args:
        expr: The query as the dashboard holds it.
        scrape_seconds: Interval of the scrapes; a rate looks back over four at least.
        shown_seconds: What `$__range` stands for: how much the dashboard shows.
        step_seconds: Time between two points of a graph: a rate misses nothing between them.
    """
    rate_seconds = max(4 * scrape_seconds, step_seconds + scrape_seconds)
    for variable, value in {
        "$__rate_interval": f"{int(1000 * rate_seconds)}ms",
        "$__range": f"{int(shown_seconds)}s",
        "$service": SERVICE,
        "$environment": ENVIRONMENT,
        "$cluster": ".*",  # all, the variable's default
    }.items():
        expr = expr.replace(variable, value)
    return expr

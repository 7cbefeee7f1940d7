"""Write the page of all names: ``python -m telemetry.reference docs/telemetry-reference.md``."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from telemetry import names


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]


def _code(text: str) -> str:
    return f"`{text}`"


def page() -> str:
    """Return the page in Markdown."""
    seconds = ", ".join(f"{bound:g}" for bound in names.HTTP_DURATION_BUCKETS)
    series = len(names.HTTP_DURATION_BUCKETS) + 3
    lines = [
        "# Telemetry reference",
        "",
        "Generated from `packages/telemetry/telemetry/names.py` by `make generate`: do not edit.",
        "",
        "## Metrics",
        "",
        *_table(
            ("name", "type", "unit", "labels", "meaning"),
            (
                (
                    _code(metric.name),
                    metric.kind,
                    _code(metric.unit),
                    ", ".join(map(_code, metric.labels)) or "none",
                    metric.meaning,
                )
                for metric in names.METRICS.values()
            ),
        ),
        (
            f"Upper bounds of `{names.HTTP_SERVER_DURATION}` in seconds: {seconds}. A label set is "
            f"{series} series ({series - 2} buckets with `+Inf`, sum and count). For each declared "
            "method and route, and for unmatched and refused requests, the statuses 200, 500, 503 "
            f"exist from the start: {3 * series} series each."
        ),
        "",
        (
            f"`{names.HTTP_ROUTE}` is a declared template, `{names.ROUTE_UNMATCHED}` for any path "
            f"without one, or `{names.ROUTE_OVERLOAD}` for a request refused before it was routed; "
            f"`{names.HTTP_METHOD}` is one of {', '.join(sorted(names.METHODS))} or "
            f"`{names.METHOD_OTHER}`."
        ),
        "",
        "### Of libraries, by prefix",
        "",
        *_table(
            ("prefix", "source and meaning"),
            ((_code(prefix), meaning) for prefix, meaning in names.LIBRARY_METRICS.items()),
        ),
        (
            "With several workers a process has no registry of its own: exemplars, `process_*`, "
            "`python_*` are left out."
        ),
        "",
        "### Over OTLP",
        "",
        (
            f"`{names.OTLP_HTTP_DURATION_EXPONENTIAL}`: the instrumentation's "
            f"`{names.OTLP_HTTP_DURATION}` as an exponential histogram, for heatmaps; it does not "
            "include waiting, and no SLO is computed from it."
        ),
        "",
        "## Span attributes",
        "",
        *_table(
            ("name", "meaning"),
            ((_code(name), meaning) for name, meaning in names.SPAN_ATTRIBUTES.items()),
        ),
        "## Log fields of every line",
        "",
        *_table(
            ("field", "meaning"),
            ((_code(name), meaning) for name, meaning in names.LOG_FIELDS.items()),
        ),
        "## Log events",
        "",
        *_table(
            ("event", "meaning and fields"),
            ((_code(name), meaning) for name, meaning in names.LOG_EVENTS.items()),
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

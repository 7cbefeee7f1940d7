"""Write the telemetry reference: the names of every service and of each single service.

``tools/reference.py docs/telemetry-reference.md`` in the repository's root.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slo import scrape_limits
from slo.cardinality import most_series
from slo.contract import Contract
from telemetry import declarations, names


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]


def _code(text: str) -> str:
    return f"`{text}`"


def _metrics(metrics: Iterable[names.Metric]) -> list[str]:
    return _table(
        ("name", "type", "unit", "labels", "meaning"),
        (
            (
                _code(metric.name),
                metric.kind,
                _code(metric.unit),
                ", ".join(map(_code, metric.labels)) or "none",
                metric.meaning,
            )
            for metric in metrics
        ),
    )


def _meanings(head: str, meanings: Mapping[str, str]) -> list[str]:
    return _table((head, "meaning"), ((_code(name), text) for name, text in meanings.items()))


def _service(root: Path, service: str, declared: names.Declaration) -> list[str]:
    series = sum(most_series(Contract(root / "services" / service)).values())
    limit = scrape_limits.read(root, service)[0][scrape_limits.SAMPLES]
    return [
        f"## Names of the service {service}",
        "",
        (
            f"A pod makes at most {series:,} series. Prometheus refuses a scrape of more than "
            f"{limit:,} samples: [Limit the series of a service](how-to/limit-series.md)."
        ),
        "",
        *(_metrics(declared.metrics) if declared.metrics else ()),
        *(_meanings("span", declared.spans) if declared.spans else ()),
        *(_meanings("log event", declared.events) if declared.events else ()),
    ]


def page(root: Path) -> str:
    """Return the page of a repository in Markdown."""
    seconds = ", ".join(f"{bound:g}" for bound in names.HTTP_DURATION_BUCKETS)
    series = len(names.HTTP_DURATION_BUCKETS) + 3
    lines = [
        "# Telemetry reference",
        "",
        (
            "`make generate` writes this page from `packages/telemetry/telemetry/names.py` and "
            "each service's `names.py`. Do not edit it."
        ),
        "",
        (
            f"Prometheus adds the labels `{names.SERVICE_NAME}` and `{names.ENVIRONMENT}` to all "
            "series of a target. In Loki, log lines also have the field `severity_text`, which is "
            "the level."
        ),
        "",
        "## Metrics",
        "",
        *_metrics(names.METRICS.values()),
        (
            f"The histogram `{names.HTTP_SERVER_DURATION}` has buckets with these upper bounds in "
            f"seconds: {seconds}. One combination of labels has {series} series: {series - 2} "
            "buckets with `+Inf`, sum and count. From the start, each route has a combination for "
            f"each of its methods and the statuses 200, 500 and 503. The routes "
            f"`{names.ROUTE_UNMATCHED}` and `{names.ROUTE_OVERLOAD}` have them too."
        ),
        "",
        (
            f"`{names.HTTP_ROUTE}` is a route template. It is `{names.ROUTE_UNMATCHED}` if no "
            f"route matches, and `{names.ROUTE_OVERLOAD}` if the server refuses a request before "
            "routing. "
            f"`{names.HTTP_METHOD}` is one of {', '.join(sorted(names.METHODS))} or "
            f"`{names.METHOD_OTHER}`."
        ),
        "",
        "### Metrics of libraries",
        "",
        *_table(
            ("prefix", "source and meaning"),
            ((_code(prefix), meaning) for prefix, meaning in names.LIBRARY_METRICS.items()),
        ),
        (
            "With several worker processes (`WEB_CONCURRENCY` above 1), `/metrics` has no "
            "exemplars and no `process_*` and `python_*` series."
        ),
        "",
        "### Metrics over OTLP",
        "",
        (
            "OpenTelemetry's instrumentation sends "
            f"`{names.OTLP_HTTP_DURATION}`, an exponential histogram for heatmaps. It does not "
            "include the time of waiting for a thread, and no SLO uses it. In Prometheus it is the "
            f"native histogram `{names.HTTP_SERVER_DURATION}`. The series with the suffixes "
            "`_bucket`, `_sum` and `_count` come from `/metrics`."
        ),
        "",
        "## Span attributes",
        "",
        *_meanings("name", names.SPAN_ATTRIBUTES),
        "## Log fields",
        "",
        *_meanings("field", names.LOG_FIELDS),
        "## Log events",
        "",
        *_table(
            ("event", "meaning and fields"),
            ((_code(name), meaning) for name, meaning in names.LOG_EVENTS.items()),
        ),
        *(
            line
            for service, declared in declarations.of_repository(root).items()
            for line in _service(root, service, declared)
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(Path.cwd()), encoding="utf-8")

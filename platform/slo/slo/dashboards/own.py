"""The dashboard of a service's own metrics: a panel for each metric that it declares."""

from collections.abc import Iterable, Iterator

from grafana_foundation_sdk.builders import timeseries
from telemetry.names import Metric

from slo.dashboards.frame import PODS
from slo.dashboards.panels import graph, query

_TIMESTAMP = "_timestamp_seconds"


def own(metrics: Iterable[Metric]) -> Iterator[timeseries.Panel]:
    """Make the panels.

    Args:
        metrics: The metrics of `names.DECLARED` of the service.
    """
    for metric in metrics:
        title, unit, expr = _shown(metric)
        legend = ", ".join(f"{{{{{label}}}}}" for label in metric.labels) or "all"
        description = f"{metric.meaning} Metric {metric.name}."
        yield graph(title, description, unit, query(expr, legend))


def _shown(metric: Metric) -> tuple[str, str, str]:
    """Return a panel's title, its unit and its query."""
    name, by = metric.name, f" by ({', '.join(metric.labels)}) " if metric.labels else ""
    rate = f"rate({name}{{{PODS}}}[$__rate_interval])"
    if metric.kind == "counter":
        return f"{_words(name, '_total')} per second", "short", f"sum{by}({rate})"
    if metric.kind == "histogram":
        series = f"rate({name}_bucket{{{PODS}}}[$__rate_interval])"
        by = ", ".join(("le", *metric.labels))
        quantile = f"histogram_quantile(0.99, sum by ({by}) ({series}))"
        return f"{_words(name, '_seconds')}, 99th percentile", _unit(metric), quantile
    # Replicas that count parts of a whole are added; of what each says of the same, one is shown.
    over = "sum" if metric.merge == "livesum" else "max"
    value = f"{over}{by}({name}{{{PODS}}})"
    if name.endswith(_TIMESTAMP):
        return f"Time since {_words(name, _TIMESTAMP).lower()}", "s", f"time() - {value}"
    return _words(name, "_seconds"), _unit(metric), value


def _unit(metric: Metric) -> str:
    return "s" if metric.unit == "s" else "short"


def _words(name: str, suffix: str) -> str:
    return name.removesuffix(suffix).replace("_", " ").capitalize()

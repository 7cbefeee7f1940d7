"""How full a service is: panels that its RED page and each of its SLOs' pages share."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel
from telemetry import names

from slo import series
from slo.dashboards.frame import PODS
from slo.dashboards.panels import GREEN, RED, graph, query

# Pods of two clusters may have one address.
_EACH = f"{series.CLUSTER}, instance"
_LEGEND = f"{{{{{series.CLUSTER}}}}} {{{{instance}}}}"


def saturation() -> list[Builder[Panel]]:
    """Make the panels about threads, queue and processes."""
    busy = f"sum({names.HTTP_SERVER_THREADS_BUSY}{{{PODS}}})"
    threads = f"sum({names.HTTP_SERVER_THREADS}{{{PODS}}})"
    overload = f'{PODS}, {names.HTTP_ROUTE}="{names.ROUTE_OVERLOAD}"'
    refused = f"{names.HTTP_SERVER_DURATION}_count{{{overload}}}"
    processor = f"rate(process_cpu_seconds_total{{{PODS}}}[$__rate_interval])"
    return [
        graph(
            "Threads busy",
            "Share of the request threads that are at work. At 100 % requests wait. Above the red "
            "line: add replicas, or find the slow route.",
            "percentunit",
            query(f"{busy} / {threads}", "busy"),
            lines=((None, GREEN), (0.8, RED)),
        ).max(1),
        graph(
            "Requests in the service",
            "Requests being handled, and requests waiting for a thread; and how many are refused a "
            "second because too many wait.",
            "short",
            query(f"sum({names.HTTP_SERVER_ACTIVE}{{{PODS}}})", "handled"),
            query(f"sum({names.HTTP_SERVER_WAITING}{{{PODS}}})", "waiting"),
            query(f"sum(rate({refused}[$__rate_interval]))", "refused per second"),
        ),
        graph(
            "Processor",
            "Processor time that each process uses; one is one core.",
            "short",
            query(
                f"sum by ({_EACH}) ({processor})",
                _LEGEND,
            ),
        ),
        graph(
            "Memory",
            "Resident memory of each process.",
            "bytes",
            query(f"sum by ({_EACH}) (process_resident_memory_bytes{{{PODS}}})", _LEGEND),
        ),
    ]

"""Rate, errors and duration of one service's requests, whatever its SLOs count."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard
from telemetry import names
from telemetry.names import Metric

from slo.adoption import Adoption
from slo.dashboards.frame import PODS, annotated, frame, link, one_service, with_sections
from slo.dashboards.own import own
from slo.dashboards.panels import graph, latency_heatmap, query
from slo.dashboards.saturation import saturation
from slo.model import OVERVIEW_UID, requests_title, requests_uid

_COUNT = f"{names.HTTP_SERVER_DURATION}_count"
_BUCKET = f"{names.HTTP_SERVER_DURATION}_bucket"


def red(service: str, adoption: Adoption, metrics: Iterable[Metric]) -> dashboard.Dashboard:
    """Make the page.

    Args:
        service: The service's name.
        adoption: Where people reach Grafana.
        metrics: The service's own metrics, shown below.
    """
    board = frame(
        requests_uid(service),
        requests_title(service),
        "Rate, errors and duration of requests, probes included, and how full the service is.",
        [service],
    )
    board = annotated(one_service(board, service))
    board = board.link(link("SLOs", f"{adoption.urls.grafana}/d/{OVERVIEW_UID}"))
    all_ = f"rate({_COUNT}{{{PODS}}}[$__rate_interval])"
    failed = f'rate({_COUNT}{{{PODS}, {names.HTTP_STATUS}=~"5.*"}}[$__rate_interval])'
    buckets = f"rate({_BUCKET}{{{PODS}}}[$__rate_interval])"
    route = f"{{{{{names.HTTP_ROUTE}}}}}"
    panels = (
        graph(
            "Rate",
            "Requests per second, by route.",
            "reqps",
            query(f"sum by ({names.HTTP_ROUTE}) ({all_})", route),
        ),
        graph(
            "Statuses",
            "Requests per second, by status code.",
            "reqps",
            query(f"sum by ({names.HTTP_STATUS}) ({all_})", f"{{{{{names.HTTP_STATUS}}}}}"),
        ),
        graph(
            "Errors",
            "Share of requests that a server error (5xx) answers, by route. A route without a "
            "single error of its own has no line.",
            "percentunit",
            query(
                f"sum by ({names.HTTP_ROUTE}) ({failed})\n/\n"
                f"(sum by ({names.HTTP_ROUTE}) ({all_}) > 0)",
                route,
            ),
        ),
        graph(
            "Duration, 99th percentile",
            "Duration that 99 % of the requests stay within, by route, waiting included.",
            "s",
            query(
                f"histogram_quantile(0.99, sum by (le, {names.HTTP_ROUTE}) ({buckets}))", route
            ).exemplar(exemplar=True),
        ),
        latency_heatmap(
            "Duration",
            "Requests by duration, in buckets of seconds. Dots are exemplars, each with its trace.",
            f"sum by (le) (increase({_BUCKET}{{{PODS}}}[$__rate_interval]))",
        ),
        graph(
            "Waiting",
            "Time that 50 % and 99 % of the requests waited for a thread at most.",
            "s",
            *(
                query(
                    f"histogram_quantile({quantile}, sum by (le) (rate("
                    f"{names.HTTP_SERVER_QUEUE}_bucket{{{PODS}}}[$__rate_interval])))",
                    f"p{quantile * 100:g}",
                )
                for quantile in (0.5, 0.99)
            ),
        ),
    )
    return with_sections(
        board,
        ("Requests", panels),
        ("How full is the service?", saturation()),
        ("The service's own metrics", own(metrics)),
    )

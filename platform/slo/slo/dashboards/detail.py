"""One SLO in full: its budget, how fast it goes, and what spends it."""

import json
from urllib.parse import quote

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel
from telemetry import names

from slo import series
from slo.adoption import Adoption
from slo.dashboards.frame import TARGET, annotated, frame, link, one_service, with_sections
from slo.dashboards.panels import (
    ALERTS_STEP,
    BUDGET_STEPS,
    EXHAUSTION_STEPS,
    GREEN,
    ORANGE,
    RED,
    SPENT,
    bars,
    graph,
    instant,
    latency_heatmap,
    number,
    query,
)
from slo.dashboards.saturation import saturation
from slo.matchers import quoted
from slo.model import Slo, Source, requests_uid
from slo.rules import selector
from slo.windows import BASE_WINDOW, BURN_WINDOWS, all_windows, exact, plain, prometheus_duration

_BY_ROUTE = f"by ({names.HTTP_ROUTE}, {names.HTTP_STATUS})"
_ROUTE_LEGEND = f"{{{{{names.HTTP_ROUTE}}}}} {{{{{names.HTTP_STATUS}}}}}"
_FACTOR_COLORS = {"page": RED, "ticket": ORANGE}


def detail(slo: Slo, adoption: Adoption) -> dashboard.Dashboard:
    """Make the page of one SLO."""
    board = one_service(
        frame(slo.uid, slo.dashboard_title, slo.description, [slo.service]), slo.service
    )
    board = annotated(board, slo.name)
    for each in _links(slo, adoption):
        board = board.link(each)
    return with_sections(
        board,
        ("Is the promise kept?", _numbers(slo)),
        ("How fast does the budget go?", _budget(slo)),
        ("What spends it?", _events(slo)),
        ("How full is the service?", saturation()),
    )


def _links(slo: Slo, adoption: Adoption) -> list[dashboard.DashboardLink]:
    urls = adoption.urls
    return [
        link("Runbook", adoption.file_url(f"services/{slo.service}/{slo.runbook}")),
        link("Traces", f"{urls.jaeger}/search?service={slo.service}"),
        link("Logs", f"{urls.grafana}/explore?schemaVersion=1&panes={_logs(slo.service)}"),
        link(
            "Requests", f"{urls.grafana}/d/{requests_uid(slo.service)}?var-environment=$environment"
        ),
        link("Catalog", f"{urls.backstage}/catalog/default/component/{slo.service}"),
    ]


def _logs(service: str) -> str:
    """Make the panes of Grafana's Explore that show a service's logs; a plugin is not needed."""
    selected = f'{{{names.SERVICE_NAME}="{service}", {names.ENVIRONMENT}="$environment"}}'
    source = {"type": "loki", "uid": "loki"}
    pane = {
        "datasource": source["uid"],
        "queries": [{"refId": "A", "expr": selected, "datasource": source}],
        "range": {"from": "now-1h", "to": "now"},
    }
    return quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="$")


def _of(name: str, slo: Slo) -> str:
    return f"{name}{{{TARGET}, {series.SLO}={quoted(slo.name)}}}"


def _numbers(slo: Slo) -> list[Builder[Panel]]:
    firing = f'ALERTS{{{TARGET}, {series.SLO}={quoted(slo.name)}, alertstate="firing"}}'
    return [
        number(
            f"Good this {slo.calendar}" if slo.calendar else f"Good {slo.over_period}",
            f"Share of good events; {plain(slo.objective * 100)} % are promised. Red: the promise "
            "is broken. Release nothing risky until it is kept again.",
            "percentunit",
            f"1 - {_of(series.period_ratio(slo), slo)}",
            decimals=3,
            steps=((None, RED), (float(slo.objective), GREEN)),
        ),
        number(
            "Error budget left",
            "Share of the period's error budget that is not spent. Red: none is left. Look below "
            "for what spent it, and put reliability first.",
            "percentunit",
            _of(series.REMAINING, slo),
            decimals=1,
            steps=BUDGET_STEPS,
        ),
        number(
            "Burn rate now",
            "How many times faster than allowed the budget is spent, over 5 minutes. Red: as fast "
            "as a page. Open the runbook.",
            "short",
            _of(series.CURRENT_BURN, slo),
            decimals=2,
            steps=((None, GREEN), (1.0, ORANGE), (6.0, RED)),
            absent="no events",
        ),
        number(
            "Exhausted in",
            "When the budget is gone, if it goes on as in the last hour and nothing comes back"
            f"{f', as it does when a {slo.calendar} begins' if slo.calendar else ''}. "
            "Spent: it is gone. No forecast: it burns no faster than allowed, or there is no data. "
            "Red: within a day. Find the cause today.",
            "s",
            _of(series.EXHAUSTION, slo),
            decimals=1,
            steps=((None, GREEN), *EXHAUSTION_STEPS),
            absent="none forecast",
            words=SPENT,
        ),
        number(
            "Alerts firing",
            "How many of this SLO's alerts are firing. Red: open the runbook above.",
            "short",
            f"count({firing})",
            decimals=0,
            steps=((None, GREEN), ALERTS_STEP),
            absent="none",
        ),
        number(
            "Events per second",
            "How many requests the SLI counts, over 5 minutes.",
            "short",
            _of(series.total(BASE_WINDOW), slo),
            decimals=1,
        ),
    ]


def _budget(slo: Slo) -> list[Builder[Panel]]:
    factors = sorted(
        (float(exact(window.factor(slo.alerting_period))), _FACTOR_COLORS[window.severity])
        for window in BURN_WINDOWS
    )
    alerts = "; ".join(
        f"{window.severity} above {plain(exact(window.factor(slo.alerting_period)))} over "
        f"{prometheus_duration(window.long)} and {prometheus_duration(window.short)}"
        for window in BURN_WINDOWS
    )
    back = (
        f"the {slo.calendar}. It is whole again when the next one begins, at midnight UTC, and "
        "jumps while a few events are all there are"
        if slo.calendar
        else "the rolling period. It comes back as bad events grow old"
    )
    return [
        graph(
            "Budget burn-down",
            f"Error budget left of {back}. Below the red line the promise is broken.",
            "percentunit",
            query(_of(series.REMAINING, slo), "left"),
            lines=((None, GREEN), (0.0, RED)),
        ).min(-0.25),
        graph(
            "Burn rate over each window",
            f"How many times faster than allowed. Lines are the alerts' thresholds: {alerts}. "
            "Above a red line somebody is paged: open the runbook.",
            "short",
            *(
                query(
                    f"{_of(series.error_ratio(window), slo)} / {plain(slo.budget)}",
                    prometheus_duration(window),
                )
                for window in all_windows()
            ),
            lines=((None, GREEN), *factors),
        ),
    ]


def _events(slo: Slo) -> list[Builder[Panel]]:
    total, bad = _of(series.total(BASE_WINDOW), slo), _of(series.bad(BASE_WINDOW), slo)
    panels: list[Builder[Panel]] = [
        graph(
            "Good and bad events",
            "Events per second, over 5 minutes.",
            "short",
            query(f"{total} - {bad}", "good"),
            query(bad, "bad"),
        ),
        bars(
            "Budget spent in the time shown, by route and status",
            "Bad events in the time shown. 100 % is the whole error budget that all events of that "
            "time earn, so an incident can show more than 100 %. Red: one route and status spent "
            "half of this budget or more. Begin there, with its traces.",
            "percentunit",
            instant(
                f"(\n{_bad_by_route(slo)}\n)\n/ ignoring ({names.HTTP_ROUTE}, {names.HTTP_STATUS}) "
                f"group_left ()\n(sum ({_increase(slo.total)}) * {plain(slo.budget)}) > 0",
                _ROUTE_LEGEND,
            ),
        ),
    ]
    if slo.total.family.histogram:
        panels += _latency(slo)
    return panels


def _increase(source: Source, window: str = "$__range", *, series_name: str | None = None) -> str:
    picked = " or ".join(
        f"increase({_select(source, index, series_name)}[{window}])"
        for index, _ in enumerate(source.selectors)
    )
    return picked if len(source.selectors) == 1 else f"({picked})"


def _select(source: Source, index: int, series_name: str | None) -> str:
    """Select series as the rules do, in the chosen environment alone."""
    rules = selector("$service", source, source.selectors[index]).removesuffix("}")
    if series_name is not None:
        rules = rules.replace(source.series, series_name, 1)
    return f'{rules}, {names.ENVIRONMENT}="$environment"}}'


def _bad_by_route(slo: Slo) -> str:
    part = f"sum {_BY_ROUTE} ({_increase(slo.part)})"
    if slo.bad is not None:
        return part
    return f"sum {_BY_ROUTE} ({_increase(slo.total)})\n- {part}"


def _latency(slo: Slo) -> list[Builder[Panel]]:
    bucket = f"{slo.total.family.name}_bucket"
    per_bucket = f"sum by (le) ({_increase(slo.total, '$__rate_interval', series_name=bucket)})"
    threshold = float(slo.good.le) if slo.good and slo.good.le else None
    promised = (
        ""
        if threshold is None
        else f" The red line is the SLO's threshold, {threshold:g} s. Above it: open the runbook."
    )
    return [
        latency_heatmap(
            "Latency",
            "Requests by duration, in buckets of seconds. Dots are exemplars, each with its trace.",
            per_bucket,
        ),
        graph(
            "Latency quantiles",
            f"Duration that this share of requests stayed within, waiting included.{promised}",
            "s",
            *(
                query(
                    f"histogram_quantile({quantile}, {per_bucket})", f"p{quantile * 100:g}"
                ).exemplar(exemplar=True)
                for quantile in (0.5, 0.9, 0.99)
            ),
            lines=() if threshold is None else ((None, GREEN), (threshold, RED)),
        ),
    ]

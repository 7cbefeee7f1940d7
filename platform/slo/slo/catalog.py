"""The content of a service in the catalog: links, alerts, graphs, dashboard and API."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from telemetry import names

from slo import series
from slo.adoption import Adoption
from slo.alerts import watchdog_name
from slo.matchers import quoted
from slo.model import OVERVIEW_UID, Slo, requests_uid
from slo.rules import Group
from slo.windows import BASE_WINDOW

# Icons that Backstage has without more code: its other names are not drawn.
DASHBOARD: Final = "dashboard"
DOCS: Final = "docs"
SEARCH: Final = "search"
WARNING: Final = "warning"
API: Final = "kind:api"
CODE: Final = "github"


def links(service: str, slos: Sequence[Slo], adoption: Adoption) -> list[dict[str, str]]:
    """List the service's dashboards, runbooks, traces and alerts, as Backstage's `links`."""
    urls = adoption.urls
    files = f"services/{service}"
    return [
        *(_link(f"SLO: {slo.title}", f"{urls.grafana}/d/{slo.uid}", DASHBOARD) for slo in slos),
        _link("Requests", f"{urls.grafana}/d/{requests_uid(service)}", DASHBOARD),
        _link("All SLOs", f"{urls.grafana}/d/{OVERVIEW_UID}", DASHBOARD),
        *(
            _link(f"Runbook: {slo.title}", adoption.file_url(f"{files}/{slo.runbook}"), DOCS)
            for slo in slos
        ),
        _link("Traces", f"{urls.jaeger}/search?service={service}", SEARCH),
        _link("Alerts", f"{urls.prometheus}/alerts?search={service}", WARNING),
        *(
            _link(f"API in {each}", f"{adoption.address(service, each)}/docs", API)
            for each in adoption.addresses
        ),
    ]


def platform_links(adoption: Adoption) -> list[dict[str, str]]:
    """List what all services share, as Backstage's `links`."""
    urls = adoption.urls
    return [
        _link("All SLOs", f"{urls.grafana}/d/{OVERVIEW_UID}", DASHBOARD),
        _link("Alerts that fire", f"{urls.alertmanager}/#/alerts", WARNING),
        _link("Metrics", urls.prometheus, SEARCH),
        _link("Traces", urls.jaeger, SEARCH),
        _link("Code", adoption.repository, CODE),
    ]


def alert_names(service: str, groups: Iterable[Group]) -> str:
    """List the names of the alerts, as the Prometheus plugin's annotation wants them.

    The watchdog is not listed, because it fires as long as all is well.
    """
    alerts = (rule.name for group in groups for rule in group.rules if rule.is_alert)
    return ",".join(name for name in alerts if name != watchdog_name(service))


def graphs(service: str, adoption: Adoption) -> str:
    """Write the queries of the Prometheus plugin's annotation, each with the label of its lines.

    The plugin cuts the text at commas. So the two selectors stand in two operands.
    """
    selectors = [(names.SERVICE_NAME, service)]
    if adoption.last_environment is not None:
        selectors.append((names.ENVIRONMENT, adoption.last_environment))
    recorded = (series.error_ratio(BASE_WINDOW), series.REMAINING)
    queries = (
        " and ".join(f"{name}{{{label}={quoted(value)}}}" for label, value in selectors)
        for name in recorded
    )
    return ",".join(f"{query}|{series.SLO}" for query in queries)


def overview_dashboard(slos: Sequence[Slo], adoption: Adoption) -> str:
    """Address of the dashboard that the service's page embeds: that of its first SLO."""
    if adoption.last_environment is None:
        return f"{adoption.urls.grafana}/d/{slos[0].uid}?kiosk"
    return f"{adoption.dashboard_url(slos[0].uid, adoption.last_environment)}&kiosk"


def with_servers(service: str, document: str, adoption: Adoption) -> str:
    """Add the addresses of each environment to an OpenAPI document.

    A page that shows a document without servers sends its requests to itself.
    """
    servers = [
        {"url": adoption.address(service, each), "description": each} for each in adoption.addresses
    ]
    return json.dumps(json.loads(document) | {"servers": servers}, indent=2) + "\n"


def _link(title: str, url: str, icon: str) -> dict[str, str]:
    return {"title": title, "url": url, "icon": icon}

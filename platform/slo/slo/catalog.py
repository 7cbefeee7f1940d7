"""What the catalog shows of a service's SLOs: links and the names of its alerts."""

from collections.abc import Iterable, Sequence

from slo.adoption import Adoption
from slo.model import OVERVIEW_UID, Slo, requests_uid
from slo.rules import Group


def links(service: str, slos: Sequence[Slo], adoption: Adoption) -> list[dict[str, str]]:
    """List the service's dashboards, runbooks, traces and alerts, as Backstage's `links`."""
    urls = adoption.urls
    files = f"services/{service}"
    return [
        *(_link(f"SLO: {slo.title}", f"{urls.grafana}/d/{slo.uid}", "dashboard") for slo in slos),
        _link("Requests", f"{urls.grafana}/d/{requests_uid(service)}", "dashboard"),
        _link("All SLOs", f"{urls.grafana}/d/{OVERVIEW_UID}", "dashboard"),
        *(
            _link(f"Runbook: {slo.title}", adoption.file_url(f"{files}/{slo.runbook}"), "docs")
            for slo in slos
        ),
        _link("Traces", f"{urls.jaeger}/search?service={service}", "search"),
        _link("Alerts", f"{urls.prometheus}/alerts?search={service}", "alert"),
    ]


def alert_names(groups: Iterable[Group]) -> str:
    """List the names of the alerts, as the Prometheus plugin's annotation wants them."""
    return ",".join(rule.name for group in groups for rule in group.rules if rule.is_alert)


def _link(title: str, url: str, icon: str) -> dict[str, str]:
    return {"title": title, "url": url, "icon": icon}

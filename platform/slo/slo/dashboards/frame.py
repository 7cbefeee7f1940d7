"""Parts of every dashboard: variables, links, annotations, and its form as a file."""

from collections.abc import Iterable
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from telemetry import names

from slo import series
from slo.dashboards.panels import DATASOURCE

SERVICE: Final = f'{names.SERVICE_NAME}="$service"'
ENVIRONMENT: Final = f'{names.ENVIRONMENT}="$environment"'
# How each query of one service and environment selects its series.
TARGET: Final = f"{SERVICE}, {ENVIRONMENT}"
# How queries about pods select theirs. An SLO is about all clusters of its environment.
PODS: Final = f'{TARGET}, {series.CLUSTER}=~"$cluster"'
# One Prometheus alone has no label of the cluster, which this pattern matches as well.
ANY: Final = ".*"
VERSION: Final = names.SERVICE_VERSION


def frame(uid: str, title: str, description: str, tags: list[str]) -> dashboard.Dashboard:
    """Start a dashboard: generated, so not editable, with a datasource to choose."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["slo", *tags])
        .readonly()
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("1m")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
    )


def one_service(board: dashboard.Dashboard, service: str) -> dashboard.Dashboard:
    """Add the variables of a dashboard about one service in one environment at a time."""
    environments = f'label_values(up{{{names.SERVICE_NAME}="$service"}}, {names.ENVIRONMENT})'
    clusters = f"label_values(up{{{TARGET}}}, {series.CLUSTER})"
    return (
        board.with_variable(dashboard.ConstantVariable("service").label("Service").value(service))
        .with_variable(choice("environment", "Environment", environments))
        .with_variable(choice("cluster", "Cluster of pods", clusters, several=True).all_value(ANY))
    )


def choice(name: str, label: str, query: str, *, several: bool = False) -> dashboard.QueryVariable:
    """Let a label's value be chosen, or several of them."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )


Section = tuple[str, Iterable[Builder[models.Panel]]]


def with_sections(board: dashboard.Dashboard, *sections: Section) -> dashboard.Dashboard:
    """Add panels in rows, each under its heading; a row without panels is left out."""
    for heading, panels in sections:
        made = list(panels)
        if made:
            board = board.with_row(dashboard.Row(heading))
        for panel in made:
            board = board.with_panel(panel)
    return board


def link(title: str, url: str) -> dashboard.DashboardLink:
    """Link to a page elsewhere, in a tab of its own."""
    kind = models.DashboardLinkType.LINK
    return dashboard.DashboardLink(title).type(kind).url(url).target_blank(target_blank=True)


def annotated(board: dashboard.Dashboard, slo: str = ".+") -> dashboard.Dashboard:
    """Mark deployments of the service, and the times when its alerts fire."""
    versions = f"count by ({VERSION}) ({names.BUILD_INFO}{{{TARGET}}})"
    before = f"count by ({VERSION}) ({names.BUILD_INFO}{{{TARGET}}} offset 5m)"
    firing = f'ALERTS{{{TARGET}, {series.SLO}=~"{slo}", alertstate="firing"}}'
    return board.annotation(
        annotation("Deployments", f"{versions} unless {before}", "blue")
    ).annotation(annotation("Alerts", firing, "red"))


def annotation(name: str, expr: str, color: str) -> dashboard.AnnotationQuery:
    """Mark the times at which a query has a result."""
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(enable=True)
        .icon_color(color)
        .expr(expr)
    )


def to_json(board: dashboard.Dashboard) -> str:
    """Write a dashboard as Grafana's provisioning reads it."""
    built = board.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"

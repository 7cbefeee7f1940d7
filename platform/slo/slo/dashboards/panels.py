"""The few kinds of panels that the dashboards are made of, each complete and of one look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, stat, timeseries
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="$datasource")
WIDTH: Final = 24
# So that all of a wide table's columns fit a laptop's screen.
COLUMN_PIXELS: Final = 90

GREEN, ORANGE, RED = "green", "orange", "red"
# Remaining budget as a ratio: spent, nearly spent, left.
BUDGET_STEPS: Final = ((None, RED), (0.0, ORANGE), (0.25, GREEN))
# Seconds until the budget is spent, and firing alerts. Their absence is no reason for a color, so
# both have a neutral first step, which is also the color of a missing value.
EXHAUSTION_STEPS: Final = ((0.0, RED), (86400.0, ORANGE))
ALERTS_STEP: Final = (1.0, RED)
# A budget with no time left is spent: `0 s` would read as a fault.
SPENT: Final = (models.ValueMap(options={"0": models.ValueMappingResult(text="spent", color=RED)}),)
NEUTRAL: Final = "transparent"

Steps = Sequence[tuple[float | None, str]]


def query(expr: str, legend: str = "") -> Dataquery:
    """Ask for the course of something over the time that the dashboard shows."""
    return Dataquery().datasource(DATASOURCE).expr(expr).legend_format(legend).range()


def instant(expr: str, legend: str = "") -> Dataquery:
    """Ask for the value at the end of the time that the dashboard shows."""
    return Dataquery().datasource(DATASOURCE).expr(expr).legend_format(legend).instant()


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Color values from each step upwards; the first step has no lower bound."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Dataquery,
    width: int = WIDTH // 2,
    lines: Steps = (),
) -> timeseries.Panel:
    """Draw courses over time, with dashed lines at thresholds where some are given."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .span(width)
        .height(8)
        .min(0)
        .fill_opacity(5)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if lines:
        style = common.GraphThresholdsStyleConfig().mode(
            common_models.GraphThresholdsStyleMode.DASHED
        )
        panel = panel.thresholds(thresholds(lines)).thresholds_style(style)
    for each in queries:
        panel = panel.with_target(each)
    return panel


def number(
    title: str,
    description: str,
    unit: str,
    expr: str,
    *,
    decimals: int,
    steps: Steps = ((None, GREEN),),
    absent: str = "no data",
    words: Sequence[models.ValueMap] = (),
) -> stat.Panel:
    """Show one number as of now; `absent` is said where there is none, `words` instead of a value.

    Left to itself, Grafana writes 99.95 % as 100.0 %: hence the decimals.
    """
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .span(WIDTH // 6)
        .height(4)
        .no_value(absent)
        .decimals(decimals)
        .mappings(list(words))
        .thresholds(thresholds(steps))
        .with_target(instant(expr))
    )


def bars(title: str, description: str, unit: str, *queries: Dataquery) -> bargauge.Panel:
    """Compare numbers as of now."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .span(WIDTH // 2)
        .height(8)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .min(0)
        .no_value("nothing")
        .thresholds(thresholds(((None, GREEN), (0.1, ORANGE), (0.5, RED))))
    )
    for each in queries:
        panel = panel.with_target(each)
    return panel


def latency_heatmap(title: str, description: str, expr: str) -> heatmap.Panel:
    """Draw how many requests took how long; dots are exemplars, each with its trace."""
    target = query(expr, "{{le}}").format(PromQueryFormat.HEATMAP).exemplar(exemplar=True)
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .span(WIDTH // 2)
        .height(8)
        .calculate(calculate=False)
        .with_target(target)
    )


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, asks and looks like."""

    name: str
    expr: str
    unit: str
    decimals: int
    steps: Steps = ()
    words: Sequence[models.ValueMap] = ()


def table(
    title: str, description: str, keys: Mapping[str, str], columns: Sequence[Column]
) -> tables.Panel:
    """Show a row for each label set that the columns' queries share.

    Args:
        title: the panel's title.
        description: what the panel shows.
        keys: what to call each label; these columns come first, in this order.
        columns: the numbers of each row.
    """
    values = {f"Value #{column.name}": column.name for column in columns}
    organized = {
        "excludeByName": {"Time": True},
        "indexByName": {name: at for at, name in enumerate((*keys, *values))},
        "renameByName": {**keys, **values},
    }
    panel = (
        tables.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("none")
        .span(WIDTH)
        .height(7)
        .min_width(COLUMN_PIXELS)
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(models.DataTransformerConfig(id_val="organize", options=organized))
    )
    for column in columns:
        target = instant(column.expr).format(PromQueryFormat.TABLE).ref_id(column.name)
        look: dict[str, Any] = {"unit": column.unit, "decimals": column.decimals}
        if column.words:
            look["mappings"] = list(column.words)
        if column.steps:
            look["thresholds"] = thresholds(column.steps).build()
            look["custom.cellOptions"] = {"type": "color-background"}
        panel = panel.with_target(target).override_by_name(
            column.name,
            [models.DynamicConfigValue(id_val=name, value=value) for name, value in look.items()],
        )
    return panel

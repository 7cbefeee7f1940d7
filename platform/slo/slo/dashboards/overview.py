"""All SLOs of all services on one page."""

from dataclasses import replace

from grafana_foundation_sdk.builders import dashboard
from telemetry import names

from slo import series
from slo.dashboards.frame import choice, frame, with_sections
from slo.dashboards.panels import (
    ALERTS_STEP,
    BUDGET_STEPS,
    EXHAUSTION_STEPS,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    SPENT,
    Column,
    graph,
    query,
    table,
)
from slo.model import OVERVIEW_UID
from slo.windows import BASE_WINDOW

_CHOSEN = f'{names.SERVICE_NAME}=~"$service", {names.ENVIRONMENT}=~"$environment"'
_SERVICES = f'{names.SERVICE_NAME}=~"$service"'
_KEY = f"{names.SERVICE_NAME}, {names.ENVIRONMENT}, {series.SLO}"
_LEGEND = f"{{{{{names.SERVICE_NAME}}}}} {{{{{series.SLO}}}}} {{{{{names.ENVIRONMENT}}}}}"
_SAME_SLO = f"on ({names.SERVICE_NAME}, {series.SLO}) group_left ()"


def overview() -> dashboard.Dashboard:
    """Make the overview."""
    traffic = f"{series.total(BASE_WINDOW)}{{{_CHOSEN}}}"
    remaining = f"{series.REMAINING}{{{_CHOSEN}}}"
    burn = f"{series.CURRENT_BURN}{{{_CHOSEN}}}"
    budget = f"{series.ERROR_BUDGET}{{{_SERVICES}}}"
    up = f"{series.BY_TARGET} (up{{{_CHOSEN}}})"
    answering = f"sum {up} / count {up}"
    # Zero for each SLO and environment with data of the period: what is down has no traffic now.
    nothing = f"clamp({remaining} or {traffic}, 0, 0)"
    columns = [
        Column(
            "Objective",
            f"{nothing} + {_SAME_SLO} {series.OBJECTIVE}{{{_SERVICES}}}",
            "percentunit",
            decimals=3,
        ),
        Column(
            "SLI",
            f"1 - {series.PERIOD_BURN}{{{_CHOSEN}}} * {_SAME_SLO} {budget}",
            "percentunit",
            decimals=3,
        ),
        Column("Budget left", remaining, "percentunit", decimals=1, steps=BUDGET_STEPS),
        Column(
            "Burn rate",
            burn,
            "short",
            decimals=2,
            steps=((None, GREEN), (1.0, ORANGE), (6.0, RED)),
        ),
        Column(
            "Exhausted in",
            f"{series.EXHAUSTION}{{{_CHOSEN}}}",
            "s",
            decimals=1,
            steps=((None, NEUTRAL), *EXHAUSTION_STEPS),
            words=SPENT,
        ),
        Column(
            "Alerts firing",
            f'count by ({_KEY}) (ALERTS{{{_CHOSEN}, alertstate="firing", {series.SLO}!=""}})',
            "short",
            decimals=0,
            steps=((None, NEUTRAL), ALERTS_STEP),
        ),
        Column("Events per second", traffic, "short", decimals=1),
        Column(
            "Targets up",
            f"{nothing} + {series.ON_TARGET} group_left () ({answering})",
            "percentunit",
            decimals=0,
            steps=((None, RED), (1.0, GREEN)),
        ),
    ]
    wrapped = [replace(column, expr=f"max by ({_KEY}) ({column.expr})") for column in columns]
    board = frame(OVERVIEW_UID, "SLO overview", "Every SLO: what is promised, kept and left.", [])
    environments = f"label_values(up{{{_SERVICES}}}, {names.ENVIRONMENT})"
    services = f"label_values({series.INFO}, {names.SERVICE_NAME})"
    board = board.with_variable(choice("service", "Service", services, several=True)).with_variable(
        choice("environment", "Environment", environments, several=True)
    )
    return with_sections(
        board,
        (
            "Which promise is at risk?",
            [
                table(
                    "Service level objectives",
                    "One row for each SLO and environment. An empty cell means: nothing there. No "
                    "burn rate or SLI: no request. No time to exhaustion: the budget burns no "
                    "faster than allowed. Red: the budget is spent or nearly so. Open that SLO's "
                    "page and its runbook. A row that is missing altogether has no data.",
                    {
                        names.SERVICE_NAME: "Service",
                        series.SLO: "SLO",
                        names.ENVIRONMENT: "Environment",
                    },
                    wrapped,
                ),
            ],
        ),
        (
            "Since when?",
            [
                graph(
                    "Error budget left",
                    "Share of the period's error budget that is left. Below zero the objective is "
                    "missed.",
                    "percentunit",
                    query(remaining, _LEGEND),
                ).min(-0.25),
                graph(
                    "Burn rate",
                    "How many times faster than allowed the budget is being spent, over 5 minutes. "
                    "Above the line: open that SLO's page.",
                    "short",
                    query(burn, _LEGEND),
                    lines=((None, GREEN), (1.0, ORANGE)),
                ),
                graph(
                    "Events per second",
                    "How many requests each SLI counts. Few of them make its ratio jump.",
                    "short",
                    query(traffic, _LEGEND),
                ),
                graph(
                    "Scrape targets that answer",
                    "Share of the service's processes that Prometheus reaches: what the SLIs are "
                    "blind to.",
                    "percentunit",
                    query(
                        answering,
                        f"{{{{{names.SERVICE_NAME}}}}} {{{{{names.ENVIRONMENT}}}}}",
                    ),
                ).max(1),
            ],
        ),
    )

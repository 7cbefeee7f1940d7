"""Names of the series and labels that the rules record, each defined once.

The names before the windows are Sloth's; the labels are not, so what reads Sloth's series needs
other label matchers to read these.
"""

from datetime import timedelta
from typing import Final

from telemetry import names

from slo.matchers import quoted
from slo.model import Slo
from slo.windows import prometheus_duration

SLO: Final = "slo"
CLUSTER: Final = "cluster"
"""External label of each Prometheus, where one Query answers for several clusters."""

GROUPING: Final = (names.SERVICE_NAME, names.ENVIRONMENT)
BY_TARGET: Final = f"by ({', '.join(GROUPING)})"
ON_TARGET: Final = f"on ({', '.join(GROUPING)})"

# Label of the pods of one version, which Argo Rollouts gives them (there with dashes); the chart's
# monitor copies it to their series. Rules sum it away.
POD_TEMPLATE_HASH: Final = "rollouts_pod_template_hash"

OBJECTIVE: Final = "slo:objective:ratio"
ERROR_BUDGET: Final = "slo:error_budget:ratio"
PERIOD_DAYS: Final = "slo:time_period:days"
CURRENT_BURN: Final = "slo:current_burn_rate:ratio"
PERIOD_BURN: Final = "slo:period_burn_rate:ratio"
REMAINING: Final = "slo:period_error_budget_remaining:ratio"
EXHAUSTION: Final = "slo:period_error_budget_exhaustion:seconds"
INFO: Final = "slo_info"


def total(window: timedelta) -> str:
    """Name of the rate of all events, per second."""
    return f"slo:events_total:rate{prometheus_duration(window)}"


def bad(window: timedelta) -> str:
    """Name of the rate of bad events, per second."""
    return f"slo:events_bad:rate{prometheus_duration(window)}"


def error_ratio(window: timedelta) -> str:
    """Name of the ratio of bad events to all events."""
    return f"slo:sli_error:ratio_rate{prometheus_duration(window)}"


def tile(name: str) -> str:
    """Name of a rate that is recorded in tiles, one for each unit of a calendar."""
    return name.replace("slo:events_", "slo:calendar_events_")


def period_ratio(slo: Slo) -> str:
    """Name of the ratio of bad events to all events over the SLO's period."""
    return f"slo:sli_error:ratio_{slo.calendar}" if slo.calendar else error_ratio(slo.period)


def of_slo(name: str, slo: Slo) -> str:
    """Select a recorded series of one SLO, in every environment."""
    selector = f"{names.SERVICE_NAME}={quoted(slo.service)}, {SLO}={quoted(slo.name)}"
    return f"{name}{{{selector}}}"


def targets_up(service: str) -> str:
    """Select what Prometheus knows of a service's scrape targets."""
    return f"up{{{names.SERVICE_NAME}={quoted(service)}}}"


def prober(service: str) -> str:
    """Name a service's prober: it is a target of its own, whose counters are about the service."""
    return f"{service}-prober"


def prober_up(service: str) -> str:
    """Give what Prometheus knows of a prober's scrape targets the name of its service."""
    up = targets_up(prober(service))
    return f'label_replace({up}, "{names.SERVICE_NAME}", {quoted(service)}, "", "")'


def in_environment(selector: str, environment: str) -> str:
    """Narrow a selector, which has some matcher already, to one environment."""
    return f"{selector.removesuffix('}')}, {names.ENVIRONMENT}={quoted(environment)}}}"

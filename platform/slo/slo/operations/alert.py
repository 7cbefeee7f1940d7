"""An alert about a component of the platform, and the group of a component's alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from slo.adoption import Adoption
from slo.alerts import SEVERITY
from slo.rules import Group, Rule
from slo.windows import Severity

INTERVAL: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Alert:
    """Something that a person must know and repair.

    Attributes:
        name: The alert's name. The runbook's heading is the same.
        expr: PromQL that has a result while something is wrong.
        minutes: How long something must be wrong.
        summary: What is wrong, in one line; may hold Prometheus' templates.
        description: What follows from it.
        severity: A ticket, unless SLOs are blind: then nobody else would page.
        page: Page and heading to read instead of the group's runbook.
    """

    name: str
    expr: str
    minutes: int
    summary: str
    description: str
    severity: Severity = Severity.TICKET
    page: str = ""


def group(name: str, runbook: str, alerts: Iterable[Alert], adoption: Adoption) -> Group:
    """Make the group of some alerts, each with its heading of the runbook."""
    return Group(name, INTERVAL, tuple(_rule(each, runbook, adoption) for each in alerts))


def rises(*counters: str, window: str, by: str = "") -> str:
    """Ask whether one of some counters grows.

    Each counter has a rate of its own: a rate over several at once fails where they have the same
    labels.

    Args:
        counters: Selectors.
        window: How far each rate looks back.
        by: Labels to sum by; without them, each series is asked on its own.
    """
    rates = (f"rate({each}[{window}])" for each in counters)
    return "\nor\n".join(f"sum by ({by}) ({each}) > 0" if by else f"{each} > 0" for each in rates)


def counted_today(counter: str) -> str:
    """Ask whether a process of today counted anything, at its start-up as well.

    A counter that a start-up increments does not grow: its first sample comes afterwards.
    """
    return f"{counter} > 0\nand on (job, instance) (time() - process_start_time_seconds < 86400)"


def _rule(alert: Alert, runbook: str, adoption: Adoption) -> Rule:
    annotations = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": adoption.file_url(alert.page or f"{runbook}#{alert.name.lower()}"),
    }
    hold = timedelta(minutes=alert.minutes)
    return Rule(alert.name, alert.expr, {SEVERITY: alert.severity}, annotations, hold)

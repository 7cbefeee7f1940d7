"""An SLO, independent of the file format that declares it and of the rules made from it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from slo.calendar import Calendar
from slo.contract import Family
from slo.matchers import Matcher
from slo.windows import CALENDAR_ALERTING

OVERVIEW_UID = "slo-overview"
"""The dashboard of all SLOs."""

UID_LENGTH: Final = 40
"""The longest `uid` that Grafana takes: https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/."""

_DIGEST_LENGTH: Final = 8

Selector = Mapping[str, Matcher]


@dataclass(frozen=True)
class Source:
    """Events counted by one metric: those that any of the selectors picks.

    `le` is a bucket bound as its label prints it; None counts all events. `counter` names the
    series where a family has several.
    """

    family: Family
    selectors: tuple[Selector, ...]
    le: str | None = None
    counter: str | None = None

    @property
    def series(self) -> str:
        """Name of the counter series that holds the events."""
        name = self.family.name
        if not self.family.histogram:
            return self.counter or name
        return f"{name}_count" if self.le is None else f"{name}_bucket"


@dataclass(frozen=True)
class Slo:
    """One objective of one service; exactly one of `good` and `bad` is set."""

    service: str
    name: str
    title: str
    description: str
    objective: Decimal
    period: timedelta
    total: Source
    good: Source | None
    bad: Source | None
    runbook: str
    minimum_bad_events: int
    # Set where the objective holds for a unit of the calendar; `period` is the longest one then.
    calendar: Calendar | None = None

    @property
    def alerting_period(self) -> timedelta:
        """Period that burn rates are derived from.

        A quarter's is that of a month: its own share of the budget would leave burn rates below 3
        without any alert, and they spend the budget within the quarter.
        """
        return CALENDAR_ALERTING if self.calendar else self.period

    @property
    def window(self) -> str:
        """Name of the period: `30d`, or `month`."""
        return self.calendar or f"{self.period.days}d"

    @property
    def over_period(self) -> str:
        """The period in a sentence, after "good": `over 30 days`."""
        return f"in the {self.calendar}" if self.calendar else f"over {self.period.days} days"

    @property
    def part(self) -> Source:
        """Events that are counted beside all: the good ones or the bad ones.

        Raises:
            ValueError: neither is set.
        """
        part = self.bad or self.good
        if part is None:
            raise ValueError(f"{self.service} {self.name} counts neither good nor bad events")
        return part

    @property
    def apart(self) -> bool:
        """Tell whether the part is counted by series that are none of the total's."""
        return self.part.series != self.total.series

    @property
    def budget(self) -> Decimal:
        """Ratio of events that may be bad."""
        return 1 - self.objective

    @property
    def group(self) -> str:
        """Name of the SLO among all services', and of the rule group that its pages are in."""
        return f"slo-{self.service}-{self.name}"

    @property
    def ticket_group(self) -> str:
        """Name of the rule group that its tickets are in."""
        return f"{self.group}-tickets"

    @property
    def budget_group(self) -> str:
        """Name of the rule group about its period's budget."""
        return f"{self.group}-budget"

    @property
    def uid(self) -> str:
        """Name of its dashboard."""
        return dashboard_uid(self.group)

    @property
    def dashboard_title(self) -> str:
        """Title of its dashboard, in the folder of its service."""
        return f"SLO {self.service}: {self.title}"

    @property
    def pascal_name(self) -> str:
        """Name of service and SLO in one word, as alerts are named."""
        return pascal_case(f"{self.service}-{self.name}")


def requests_title(service: str) -> str:
    """Give the dashboard of a service's requests a title."""
    return f"{service}: requests"


def requests_uid(service: str) -> str:
    """Name the dashboard of a service's requests."""
    return dashboard_uid(f"red-{service}")


def dashboard_uid(name: str) -> str:
    """Return a name that Grafana takes: the given one, or its beginning and a digest of it."""
    if len(name) <= UID_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: UID_LENGTH - _DIGEST_LENGTH - 1]}-{digest}"


def pascal_case(name: str) -> str:
    """Turn `ports-availability` into `PortsAvailability`."""
    return "".join(part.capitalize() for part in name.split("-"))

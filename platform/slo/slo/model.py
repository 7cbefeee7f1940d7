"""What an SLO is, free of the file format that declares it and of the rules made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from slo.matchers import Matcher

OVERVIEW_UID = "slo-overview"
"""The dashboard of all SLOs."""

Selector = Mapping[str, Matcher]


@dataclass(frozen=True)
class Source:
    """Events counted by one metric: those that any of the selectors picks.

    `le` is a bucket bound as its label prints it; None counts all events.
    """

    metric: str
    histogram: bool
    selectors: tuple[Selector, ...]
    le: str | None = None

    @property
    def series(self) -> str:
        """Name of the counter series that holds the events."""
        if not self.histogram:
            return self.metric
        return f"{self.metric}_count" if self.le is None else f"{self.metric}_bucket"


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
    def budget(self) -> Decimal:
        """Ratio of events that may be bad."""
        return 1 - self.objective

    @property
    def uid(self) -> str:
        """Name of the SLO among all services': of its rule group and of its dashboard."""
        return dashboard_uid(self.service, self.name)

    @property
    def budget_group(self) -> str:
        """Name of the rule group about its period's budget."""
        return f"{self.uid}-budget"

    @property
    def pascal_name(self) -> str:
        """Name of service and SLO in one word, as alerts are named."""
        return pascal_case(f"{self.service}-{self.name}")


def dashboard_uid(service: str, name: str) -> str:
    """Name an SLO among all services'."""
    return f"slo-{service}-{name}"


def pascal_case(name: str) -> str:
    """Turn `ports-availability` into `PortsAvailability`."""
    return "".join(part.capitalize() for part in name.split("-"))

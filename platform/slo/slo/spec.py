"""The declaration's form: OpenSLO v1 `SLO` documents, strict, with structured metric sources.

This module decides open points of OpenSLO. `metricSource.type` is `Prometheus-structured`. Its
`spec` names a metric, label selectors and a bucket bound instead of a query, so that the compiler
can derive queries, tests and dashboards. https://github.com/OpenSLO/OpenSLO (v1).
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from slo.calendar import Calendar

RUNBOOK = "slo.platform/runbook"
MINIMUM_BAD_EVENTS = "slo.platform/minimum-bad-events"

CALENDARS = {"1M": Calendar.MONTH, "1Q": Calendar.QUARTER}

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[Decimal | int, WithJsonSchema({"type": "number"})]


class Model(BaseModel):
    """A mapping whose every key is known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PrefixForm(Model):
    """Label values that begin with a prefix, or that do not; exactly one is given."""

    prefix: Text | None = None
    notPrefix: Text | None = None  # noqa: N815  # OpenSLO's keys are in camel case

    @model_validator(mode="after")
    def _one(self) -> "PrefixForm":
        if (self.prefix is None) == (self.notPrefix is None):
            raise ValueError("give either prefix or notPrefix")
        return self


SelectorValue = Text | Annotated[list[Text], Field(min_length=1)] | PrefixForm


class SourceSpec(Model):
    """The events that count, and their metric."""

    metric: Annotated[
        str,
        Field(
            pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$",
            description="A histogram family of packages/telemetry, or a counter (…_total)",
        ),
    ]
    select: Annotated[
        list[Annotated[dict[LabelName, SelectorValue], Field(min_length=1)]],
        Field(
            min_length=1,
            description="An event counts when any of these selectors picks it. A label is a "
            "value, a list of values, {prefix: …} or {notPrefix: …}",
        ),
    ]
    le: Annotated[
        Number | None,
        Field(description="Count only events up to this bucket bound of a histogram"),
    ] = None


class MetricSource(Model):
    """OpenSLO's metric source, of our structured type."""

    type: Literal["Prometheus-structured"]
    spec: SourceSpec


class Metric(Model):
    """OpenSLO's wrapper around a metric source."""

    metricSource: MetricSource  # noqa: N815


class RatioMetric(Model):
    """Good or bad events, and all events."""

    counter: Literal[True]
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric

    @model_validator(mode="after")
    def _one(self) -> "RatioMetric":
        if (self.good is None) == (self.bad is None):
            raise ValueError("give either good or bad beside total")
        return self


class IndicatorSpec(Model):
    """The indicator is always a ratio of events."""

    ratioMetric: RatioMetric  # noqa: N815


class IndicatorMetadata(Model):
    """Name of an inline indicator."""

    name: Name


class Indicator(Model):
    """An inline service level indicator."""

    metadata: IndicatorMetadata
    spec: IndicatorSpec


class CalendarStart(Model):
    """Where a calendar window begins: always at midnight UTC, on a unit's first day."""

    startTime: Annotated[  # noqa: N815
        str,
        Field(
            pattern=r"^\d{4}-(0[1-9]|1[0-2])-01 00:00:00$",
            description="First day of a month, or of a quarter; any year",
        ),
    ]
    timeZone: Literal["UTC"]  # noqa: N815


class TimeWindow(Model):
    """The period that the objective holds for: the last days, or a month or quarter."""

    duration: Literal["7d", "28d", "30d", "1M", "1Q"]
    isRolling: bool  # noqa: N815
    calendar: CalendarStart | None = None

    @model_validator(mode="after")
    def _one(self) -> "TimeWindow":
        calendar = CALENDARS.get(self.duration)
        if self.isRolling != (calendar is None):
            raise ValueError(f"{self.duration} needs isRolling: {str(calendar is None).lower()}")
        if (self.calendar is None) != (calendar is None):
            need = "no calendar" if calendar is None else "a calendar (startTime and timeZone)"
            raise ValueError(f"{self.duration} needs {need}")
        if self.calendar and calendar:
            months = list(calendar.first_months())
            month = int(self.calendar.startTime[5:7])
            if month not in months:
                raise ValueError(f"startTime must be in a month that begins a {calendar}: {months}")
        return self


class Objective(Model):
    """The share of events that must be good; exactly one of the two forms is given."""

    displayName: Text | None = None  # noqa: N815
    target: Annotated[Number | None, Field(description="As a ratio, such as 0.999")] = None
    targetPercent: Annotated[  # noqa: N815
        Number | None, Field(description="In percent, such as 99.9")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "Objective":
        if (self.target is None) == (self.targetPercent is None):
            raise ValueError("give either target or targetPercent")
        return self


class SloSpec(Model):
    """The promise, its events and its period."""

    description: Text
    service: Name
    indicator: Indicator
    timeWindow: Annotated[list[TimeWindow], Field(min_length=1, max_length=1)]  # noqa: N815
    budgetingMethod: Literal["Occurrences"]  # noqa: N815
    objectives: Annotated[list[Objective], Field(min_length=1, max_length=1)]


class Annotations(Model):
    """Values that the compiler needs beyond OpenSLO."""

    runbook: Annotated[
        str,
        Field(
            alias=RUNBOOK,
            pattern=r"^[^/].*\.md$",
            description="Page that tells what to do, relative to this file",
        ),
    ]
    minimum_bad_events: Annotated[
        str,
        Field(
            alias=MINIMUM_BAD_EVENTS,
            pattern=r"^[1-9][0-9]*$",
            description="Bad events within an alert's long window below which it stays silent",
        ),
    ]


class Metadata(Model):
    """Name and annotations of an SLO."""

    name: Name
    displayName: Text  # noqa: N815
    annotations: Annotations


class SloDocument(Model):
    """One OpenSLO v1 document of kind SLO."""

    apiVersion: Literal["openslo/v1"]  # noqa: N815
    kind: Literal["SLO"]
    metadata: Metadata
    spec: SloSpec

"""A result in the words of both forms of the report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from slo.explain import in_words
from slo.report.collect import Incident, Result
from slo.windows import plain

COLUMNS: Final = (
    "Service", "Environment", "Objective", "Window", "Promised", "Measured", "Budget spent",
    "Fastest burn", "Incidents", "Kept?",
)  # fmt: skip
NOTES: Final = (
    "Budget: the share of events that may be bad. Above 100 % the promise is broken.",
    "Fastest burn: how many times faster than allowed the budget was spent within one hour.",
    "Its time is the end of the few hours that hold this hour.",
    "Incidents: episodes of this objective's alerts. A page called a person at once.",
)
KEPT, BROKEN, UNKNOWN = "kept", "broken", "no data"


def row(result: Result) -> tuple[str, ...]:
    """Tell a result in a cell for each column."""
    slo = result.slo
    return (
        slo.service,
        result.environment,
        slo.title,
        span(result),
        f"{plain(slo.objective * 100)} %",
        "no event" if result.bad_ratio is None else f"{(1 - result.bad_ratio):.3%}",
        "no event" if result.spent is None else f"{result.spent:.0%}",
        burn(result),
        counted(result.incidents),
        verdict(result),
    )


def verdict(result: Result) -> str:
    """Tell whether the promise was kept."""
    if result.spent is None:
        return UNKNOWN
    return KEPT if result.spent <= 1 else BROKEN


def span(result: Result) -> str:
    """Name the window: `January 2026`, `Q1 2026`, or its first and last day."""
    begin, end = result.begin, result.end
    match result.slo.calendar:
        case None:
            return f"{day(begin)} to {day(end)}"
        case calendar if calendar.months == 1:
            return f"{begin:%B %Y}"
        case _:
            return f"Q{(begin.month + 2) // 3} {begin:%Y}"


def burn(result: Result) -> str:
    """Tell the fastest burn, and when it was."""
    if result.worst is None:
        return "no event"
    moment, rate = result.worst
    return f"{rate:.1f} times, {time(moment)}"


def counted(incidents: Sequence[Incident]) -> str:
    """Count incidents by severity: `2 pages, 1 ticket`."""
    counts = {
        severity: sum(each.severity == severity for each in incidents)
        for severity in ("page", "ticket")
    }
    words = [f"{n} {severity}{'s' * (n != 1)}" for severity, n in counts.items() if n]
    return ", ".join(words) or "none"


def lasted(incident: Incident, end: datetime) -> str:
    """Tell how long an incident lasted."""
    if incident.end is None:
        return f"{in_words(end - incident.begin)}, still firing at the end"
    return in_words(incident.end - incident.begin)


def note(result: Result) -> str | None:
    """Tell what a reader must know of the data."""
    if result.data_since is None:
        return None
    return f"The data begins on {time(result.data_since)}: the window is not full."


def day(moment: datetime) -> str:
    """Print a date."""
    return f"{moment.astimezone(UTC):%-d %B %Y}"


def time(moment: datetime) -> str:
    """Print a date and a time."""
    return f"{moment.astimezone(UTC):%-d %B %H:%M} UTC"

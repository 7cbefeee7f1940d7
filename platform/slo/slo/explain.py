"""An SLO in words: how many events may fail, and how fast each alert fires."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from slo.alerts import burn_alert_name, missing_alert_name
from slo.coverage import exists_from_start
from slo.model import Slo
from slo.rules import Clock
from slo.windows import (
    BURN_WINDOWS,
    MISSING_HOLD,
    BurnWindow,
    exact,
    plain,
)


def explain(slo: Slo, clock: Clock) -> str:
    """Return the description of an SLO, with one line per fact."""
    lines = [f"  {label:<10}  {fact}" for label, fact in _facts(slo, clock)]
    return "\n".join([f"{slo.service} {slo.name}: {slo.description}", *lines]) + "\n"


def promises(service: str, slos: Sequence[Slo]) -> str:
    """Return the page of a service's SLOs in Markdown, with the facts of `explain`."""
    note = (
        "`make generate` writes this page from `slo.yaml`. Do not edit it. The runbooks of the "
        f"alerts are in `services/{service}/runbooks/`."
    )
    parts = [f"# SLOs of {service}", note]
    for slo in slos:
        facts = [f"- **{label}**: {fact}" for label, fact in _facts(slo, Clock())]
        parts += [f"## {slo.title}", slo.description, "\n".join(facts)]
    return "\n\n".join(parts) + "\n"


def time_to_fire(slo: Slo, window: BurnWindow, clock: Clock, background: float = 0) -> timedelta:
    """Return the time from the start of a total outage until an alert fires.

    Traffic is steady. The long window crosses the threshold after the outage has lasted that share
    of the window; the short window has crossed it by then. `for` is added. The next scrape and the
    next evaluation are not included: at most one interval each.

    Args:
        slo: The objective.
        window: The alert.
        clock: How long nominal durations last.
        background: Ratio of bad events in the long window before the outage.
    """
    threshold = float(window.threshold(slo.objective, slo.alerting_period))
    share = max(0.0, threshold - background) / (1 - background)
    return clock.lasts(window.long * share + window.hold)


def _facts(slo: Slo, clock: Clock) -> Iterator[tuple[str, str]]:
    period = clock.lasts(slo.alerting_period)
    held = f"in each {slo.calendar} (UTC)" if slo.calendar else f"over any {in_words(period)}"
    yield ("Objective", f"{plain(slo.objective * 100)} % of events are good, {held}.")
    within = f" in {period.days} days" if slo.calendar else ""
    yield (
        "Allowed",
        (
            f"{in_words(period * float(slo.budget))} of total outage{within} at steady "
            f"traffic, or {plain(slo.budget * 1_000_000)} bad events in a million."
        ),
    )
    for window in BURN_WINDOWS:
        threshold = window.threshold(slo.objective, slo.alerting_period)
        yield (
            window.severity,
            (
                f"{burn_alert_name(slo, window)} fires after "
                f"{in_words(time_to_fire(slo, window, clock))} of total outage. It needs more than "
                f"{plain(threshold * 100)} % bad events over {clock.promql(window.long)} and over "
                f"{clock.promql(window.short)} (burn rate "
                f"{plain(exact(window.factor(slo.alerting_period)))}), for "
                f"{clock.promql(window.hold)}."
            ),
        )
    yield (
        "page",
        (
            f"{missing_alert_name(slo)} fires {in_words(clock.lasts(MISSING_HOLD))} "
            f"after {_missing(slo)}."
        ),
    )
    yield (
        "Minimum",
        (
            f"no burn alert fires with fewer than {slo.minimum_bad_events} bad events in its long "
            "window."
        ),
    )


def _missing(slo: Slo) -> str:
    if slo.total.family.outside:
        return "the last result of the prober"
    unexposed = " or the SLI has no data" if exists_from_start(slo.total) else ""
    return f"the last target stops answering{unexposed}"


def in_words(duration: timedelta) -> str:
    """Print a duration in its two largest units, such as `43 min 12 s`."""
    seconds = duration.total_seconds()
    for unit, size, rest, rest_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= size:
            return _two(seconds, unit, size, rest, rest_size)
    return _two(seconds, "min", 60, "s", 1)


def _two(seconds: float, unit: str, size: int, rest: str, rest_size: int) -> str:
    whole, remainder = divmod(round(seconds / rest_size), size // rest_size)
    parts = [f"{whole} {unit}" if whole else "", f"{remainder} {rest}" if remainder else ""]
    return " ".join(part for part in parts if part) or f"{seconds:.3g} s"

"""Burn-rate windows: the data behind every alert, and durations in Prometheus' form."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class Severity(StrEnum):
    """The receiver: a person at once, a queue, or nobody (the heartbeat's receiver apart)."""

    PAGE = "page"
    TICKET = "ticket"
    NONE = "none"


@dataclass(frozen=True)
class BurnWindow:
    """One alert: `share` of the period's budget spent within `long`, still being spent in `short`.

    Shares and windows are those of table 5-8 of The Site Reliability Workbook, chapter 5, "Alerting
    on SLOs" (https://sre.google/workbook/alerting-on-slos/). The second ticket is from its example
    rules (1 day at factor 3). `hold` is the rule's `for`.
    """

    severity: Severity
    share: Fraction
    long: timedelta
    short: timedelta
    hold: timedelta

    def factor(self, period: timedelta) -> Fraction:
        """Tell how many times faster than allowed the budget burns at the alert's threshold.

        The workbook's formula: share of the budget x period / long window. Never below 1: a
        budget that burns slower than that is never spent, so nobody needs to be told.
        """
        return max(Fraction(1), self.share * Fraction(period / self.long))

    def threshold(self, objective: Decimal, period: timedelta) -> Decimal:
        """Tell the ratio of bad events above which the alert's condition holds, exactly."""
        return exact(self.factor(period) * Fraction(1 - objective))


_MINUTES = timedelta(minutes=1)
_HOURS = timedelta(hours=1)
_DAYS = timedelta(days=1)

BURN_WINDOWS = (
    BurnWindow(Severity.PAGE, Fraction(2, 100), 1 * _HOURS, 5 * _MINUTES, 2 * _MINUTES),
    BurnWindow(Severity.PAGE, Fraction(5, 100), 6 * _HOURS, 30 * _MINUTES, 15 * _MINUTES),
    BurnWindow(Severity.TICKET, Fraction(10, 100), 1 * _DAYS, 2 * _HOURS, 1 * _HOURS),
    BurnWindow(Severity.TICKET, Fraction(10, 100), 3 * _DAYS, 6 * _HOURS, 3 * _HOURS),
)

# The base of everything that is summed over the period, and of "now" on dashboards.
BASE_WINDOW = min(window.short for window in BURN_WINDOWS)
# "Now" for the forecast of exhaustion: long enough to be no noise, short enough to be current.
CURRENT_WINDOW = BURN_WINDOWS[0].long

PERIODS_DAYS = (7, 28, 30)
# The period for the burn rates of months and quarters: the workbook's own.
CALENDAR_ALERTING = 30 * _DAYS

# An SLI seen within this time and gone now is missing, not retired.
MISSING_LOOKBACK = 1 * _HOURS
MISSING_HOLD = 5 * _MINUTES
# Clients are refused meanwhile; a rolling update never gets there.
NO_READY_PODS_HOLD = 2 * _MINUTES


def all_windows() -> list[timedelta]:
    """List every window that rates are recorded over, shortest first."""
    return sorted({side for window in BURN_WINDOWS for side in (window.long, window.short)})


def page_windows() -> list[timedelta]:
    """List the windows that pages read, shortest first."""
    pages = [window for window in BURN_WINDOWS if window.severity == Severity.PAGE]
    return sorted({side for window in pages for side in (window.long, window.short)})


def ticket_windows() -> list[timedelta]:
    """List the windows that tickets alone read, shortest first."""
    return [window for window in all_windows() if window not in page_windows()]


def exact(value: Fraction) -> Decimal:
    """Write a fraction as a decimal: exact where it ends, else to 12 significant digits."""
    quotient = Decimal(value.numerator) / Decimal(value.denominator)
    rounded = quotient.normalize() + 0
    if Fraction(rounded) != value:
        rounded = Decimal(f"{quotient:.12g}")
    return rounded.normalize()


def plain(value: Decimal | int) -> str:
    """Print a number without an exponent and without trailing zeros."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def prometheus_duration(duration: timedelta) -> str:
    """Print a duration as Prometheus does, in the largest unit that leaves no fraction: `90m`.

    Raises:
        ValueError: the duration is shorter than a millisecond.
    """
    milliseconds = round(duration / timedelta(milliseconds=1))
    if milliseconds < 1:
        raise ValueError(f"{duration} is shorter than a millisecond, Prometheus' smallest unit")
    unit, size = next((unit, size) for unit, size in _UNITS if milliseconds % size == 0)
    return f"{milliseconds // size}{unit}"

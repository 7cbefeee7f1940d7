"""Calendar windows: months and quarters in UTC, as PromQL knows them.

A range selector looks back over a fixed time, and no month is as long as another. So each rate is
recorded once more, in a tile: a series whose label `slot` is the number of its month modulo 3. The
slot of a month, read over the longest month's time, contains that month and no other. This time
reaches into the month before and, from March, into January. The same holds for quarters.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

SLOT: Final = "slot"
SLOTS: Final = 3

_MONTHS_OF_YEAR: Final = 12


class Calendar(StrEnum):
    """A unit of the calendar that an objective holds for; it begins at midnight UTC."""

    MONTH = "month"
    QUARTER = "quarter"

    @property
    def months(self) -> int:
        """Number of its months."""
        return 1 if self is Calendar.MONTH else 3

    @property
    def longest(self) -> timedelta:
        """Length of the longest such unit: July's, and the third quarter's."""
        return timedelta(days=31 if self is Calendar.MONTH else 92)

    @property
    def slot(self) -> str:
        """Expression whose one result has the current slot as its label `slot`."""
        number = "month()" if self is Calendar.MONTH else "(year() * 4 + ceil(month() / 3))"
        return f'count_values("{SLOT}", {number} % {SLOTS})'

    def begin(self, moment: datetime) -> datetime:
        """Tell when the unit began that a moment is in."""
        month = (moment.month - 1) // self.months * self.months + 1
        return datetime(moment.year, month, 1, tzinfo=UTC)

    def last_full(self, moment: datetime) -> tuple[datetime, datetime]:
        """Tell begin and end of the last unit that had ended at a moment."""
        end = self.begin(moment.astimezone(UTC))
        return self.begin(end - timedelta(days=1)), end

    def first_months(self) -> Iterator[int]:
        """Yield the months of a year that begin such a unit."""
        yield from range(1, _MONTHS_OF_YEAR + 1, self.months)

"""A winter of made-up traffic around the ends of months and quarters, in a leap year.

Months and quarters have their own ratio of bad events, and so have their first days: an event in
the wrong one shows, and so does one that is missing.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slo import probes, series
from slo.calendar import SLOT, Calendar
from slo.declaration import load_service
from slo.model import Slo
from slo.rules import Clock, Group, Rule, budget_rules, rate_rules, tile_rules
from slo.windows import BASE_WINDOW
from telemetry import names

from tests.platform.slo.history import Counter, load, passes, record
from tests.platform.slo.real import Prometheus, prometheus
from tests.support.probes import declared

# Scrapes and evaluations: it matters that they are as frequent, not how frequent they are.
STEP = timedelta(minutes=2)
BEGIN = datetime(2027, 12, 22, tzinfo=UTC)
END = datetime(2028, 4, 2, tzinfo=UTC)
# Neither a target nor an event.
GAPS = (
    (datetime(2028, 1, 9, 3, tzinfo=UTC), datetime(2028, 1, 11, 20, tzinfo=UTC)),
    (datetime(2028, 3, 20, tzinfo=UTC), datetime(2028, 3, 20, 9, tzinfo=UTC)),
)
# A rate reaches back so far: nobody asks around the end of a month, or its events would be in both.
# The same around a moment at which the ratio is looked at: rates hold the last events in part.
QUIET = timedelta(minutes=8)
# When the ratio is looked at.
MOMENTS = tuple(
    datetime.fromisoformat(f"{moment}+00:00")
    for moment in (
        "2028-01-31T23:58:00", "2028-02-01T01:00:00", "2028-02-29T23:58:00",
        "2028-03-01T06:00:00", "2028-03-31T23:58:00", "2028-04-01T12:00:00",
    )
)  # fmt: skip

ENVIRONMENTS = ("month", "quarter", "bursts")


def held(slo: Slo, folder: Path) -> dict[Calendar, Slo]:
    """The SLO on probes, held for a month, and another one held for a quarter."""
    (probed,) = load_service(declared(folder))
    return {Calendar.MONTH: of(probed, Calendar.MONTH), Calendar.QUARTER: of(slo, Calendar.QUARTER)}


def of(slo: Slo, calendar: Calendar) -> Slo:
    """The same SLO, held for a unit of the calendar."""
    return replace(slo, name=f"{calendar}ly", period=calendar.longest, calendar=calendar)


@dataclass
class Truth:
    """Events of one environment: their moment, all of them, and the bad ones."""

    events: list[tuple[datetime, int, int]] = field(default_factory=list)

    def bad_ratio(self, begin: datetime, end: datetime) -> float:
        """Ratio of bad events between two moments, in plain arithmetic."""
        within = [(total, bad) for moment, total, bad in self.events if begin <= moment < end]
        return sum(bad for _, bad in within) / sum(total for total, _ in within)


def make(folder: Path) -> dict[str, Truth]:
    """Make the history in a folder's data, without rules; return the truth about it."""
    truths = {}
    text = folder / "months.txt"
    with text.open("w") as out:
        for environment in ENVIRONMENTS:
            truths[environment] = truth = Truth(list(_events(environment)))
            for counter in _counters(environment, truth):
                out.writelines(counter.lines)
        out.write("# EOF\n")
    load(folder, text)
    return truths


def _events(environment: str) -> Iterator[tuple[datetime, int, int]]:
    dice = random.Random(environment)  # noqa: S311  # dice
    moment, failing = BEGIN, 0
    while moment < END:
        moment += STEP
        if any(begin <= moment < end for begin, end in GAPS):
            continue
        # promtool does not mark series as stale where a gap begins: they last five minutes more.
        fading = any(begin - 2 * QUIET <= moment < end + 2 * QUIET for begin, end in GAPS)
        ending = (moment + QUIET).month != (moment - QUIET).month
        looked_at = any(abs(moment - each) <= QUIET for each in MOMENTS)
        thousands = 0 if fading or ending or looked_at else dice.randint(1, 5)
        failing = max(0, failing - 1) or (dice.randint(1, 30) if dice.random() < 0.003 else 0)
        bad = {
            "month": moment.month + 5 * (moment.day == 1),
            "quarter": 2 + (moment.month - 1) // 3 + 5 * (moment.day == 1),
            "bursts": 300 if failing else 0,
        }[environment]
        yield moment, 1000 * thousands, bad * thousands


def _counters(environment: str, truth: Truth) -> Iterator[Counter]:
    """Count the events as a service does, as a prober does, or as both."""
    route = {names.HTTP_METHOD: "GET", names.HTTP_ROUTE: "/ports"}
    served = [
        Counter(
            f"{names.HTTP_SERVER_DURATION}_count", environment, **route, **{names.HTTP_STATUS: code}
        )
        for code in ("200", "500")
    ]
    labels = {"ptype": "http", probes.PROBE: "/ports", "dst": "ports"}
    probed = [Counter(name, environment, **labels) for name in probes.COUNTERS]
    dice = random.Random(f"{environment} restarts")  # noqa: S311  # dice
    for moment, total, failed in truth.events:
        # After a restart `rate` estimates: not exactly for two counters of different size.
        restarted = environment == "bursts" and dice.random() < 1 / 2000
        counts = (total - failed, failed, total, total - failed)
        for counter, count in zip((*served, *probed), counts, strict=True):
            counter.add(count, moment.timestamp() - 1, restarted=restarted)
    yield from served if environment != "month" else ()
    yield from probed if environment != "quarter" else ()


def backfill(folder: Path, slos: Sequence[Slo]) -> None:
    """Record what SLOs sum over their period."""
    rates = (rule for slo in slos for rule in rate_rules(slo, Clock(), [BASE_WINDOW]))
    summed = [rule for rule in rates if rule.name != series.error_ratio(BASE_WINDOW)]
    tiles = [rule for slo in slos for rule in tile_rules(slo)]
    for rules in passes([Group("calendar", STEP, (*summed, *tiles))]):
        with prometheus(folder) as server:
            record(folder, server, rules, BEGIN.timestamp(), END.timestamp(), STEP, blocks="162h")


def ratio_rule(slo: Slo) -> Rule:
    """The rule of the period's ratio, which reads nothing but tiles."""
    return next(
        rule for rule in budget_rules(slo, Clock()) if rule.name == series.period_ratio(slo)
    )


def furthest(server: Prometheus, slo: Slo, expr: str, truth: Truth, environment: str) -> float:
    """Tell how far off an expression of the period's ratio is at its worst, as a share of it."""
    worst = 0.0
    assert slo.calendar is not None
    for moment in MOMENTS:
        if expected := truth.bad_ratio(slo.calendar.begin(moment), moment):
            (found,) = (
                value
                for labels, value in server.query(expr, moment.timestamp())
                if labels[names.ENVIRONMENT] == environment
            )
            worst = max(worst, abs(found / expected - 1))
    return worst


def returning(server: Prometheus, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """Yield two days in the reach of one look back whose slots tell their units wrongly apart.

    Asked of Prometheus for each day of four years, a leap year and the turns of three among them.
    """
    day, reach = timedelta(days=1), calendar.longest
    begin = datetime(2027, 1, 1, tzinfo=UTC)
    found = server.query_range(
        calendar.slot, begin.timestamp(), (begin + 4 * 366 * day).timestamp(), day.total_seconds()
    )
    slots = {
        datetime.fromtimestamp(moment, UTC): one["metric"][SLOT]
        for one in found
        for moment, _ in one["values"]
    }
    for moment, slot in slots.items():
        for days in range(reach.days):
            before = moment - days * day
            same = calendar.begin(before) == calendar.begin(moment)
            if before in slots and (slots[before] == slot) != same:
                yield before, moment

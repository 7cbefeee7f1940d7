"""Thirty days, up to now, of counters and of what one Prometheus recorded of them."""

import random
import time
from datetime import timedelta
from pathlib import Path

from slo import series
from slo.rules import Group, Rule
from slo.windows import BASE_WINDOW
from telemetry import names

from tests.platform.slo import history
from tests.platform.slo.history import DAY, OFFSET, SCRAPE, SCRAPES, Counter, Traffic
from tests.platform.slo.real import prometheus
from tests.thanos import pods

TRAFFIC: dict[str, Traffic] = {"constant": history.constant, "bursts": history.bursts}


def make(folder: Path, groups: list[Group]) -> tuple[int, dict[str, float]]:
    """Make the history in a folder's data.

    Returns:
        Its end in Unix time, and the true ratio of bad events to all events by environment.
    """
    end = int(time.time()) // 3600 * 3600
    start = end - history.DAYS * DAY
    lines, truths = [], {}
    route = {names.HTTP_METHOD: "GET", names.HTTP_ROUTE: "/ports"}
    for environment, traffic in TRAFFIC.items():
        good, bad = (
            Counter(
                f"{names.HTTP_SERVER_DURATION}_count",
                environment, **route, **{names.HTTP_STATUS: status},
            )
            for status in ("200", "500")
        )  # fmt: skip
        events = failed = 0
        for index, tick in enumerate(traffic(random.Random(environment))):  # noqa: S311  # dice
            at = start + OFFSET + index * SCRAPE
            good.add(tick.total - tick.failed, at, restarted=False)
            bad.add(tick.failed, at, restarted=False)
            events, failed = events + tick.total, failed + tick.failed
        assert index + 1 == SCRAPES
        truths[environment] = failed / events
        lines += [*good.lines, *bad.lines]
    pods.blocks(lines, folder / "data")
    base = {series.total(BASE_WINDOW), series.bad(BASE_WINDOW)}
    rules = [
        rule for group in groups for rule in group.rules
        if rule.name in base and rule.labels[series.SLO] == "availability"
    ]  # fmt: skip
    for each in history.passes([Group("base", timedelta(seconds=SCRAPE), tuple(rules))]):
        with prometheus(folder) as server:
            history.record(folder, server, each, start, end, timedelta(seconds=SCRAPE))
    return end, truths


def period_rule(groups: list[Group]) -> Rule:
    """The rule that sums the availability's events over the period."""
    (found,) = (
        rule for group in groups for rule in group.rules
        if rule.name == "slo:sli_error:ratio_rate30d" and rule.labels[series.SLO] == "availability"
    )  # fmt: skip
    return found

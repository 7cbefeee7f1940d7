"""A month of made-up traffic that ends with an incident, as the data of a real Prometheus.

Errors begin, the budget burns, a page fires, the errors end, the page is about to be resolved. Each
number is made up; what becomes of the numbers is computed by the committed rules.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from slo import series
from slo.adoption import load_adoption
from slo.declaration import load_service
from slo.generate import service_groups
from slo.rules import Clock, Rule
from slo.windows import BASE_WINDOW
from stack.components import ENVIRONMENT
from stack.dashboards import SERVICE
from telemetry import names

from tests.platform.slo.history import load, passes, record
from tests.platform.slo.real import prometheus
from tests.service import ROOT

MINUTE = 60
DAY = 86_400
END = 1_769_946_900  # 2026-02-01 11:55 UTC
START = END - 30 * DAY
RECENT = END - 8 * 3600  # from here on all series exist, and are scraped more often
SHOWN_MINUTES = 180
INCIDENT = (END - 42 * MINUTE, END - 17 * MINUTE)
SCRAPE_SECONDS = 30
RARELY_SECONDS = 120
OFFSET = 3.7  # a scrape does not happen at the moment of an evaluation

# Shares of the requests that took at most this long, in seconds: on a good day, and with a database
# that hardly answers.
FAST = (0.52, 0.83, 0.955, 0.982, 0.992, 0.9965, 0.999, 0.9997, 0.9999, 1, 1, 1, 1, 1)
SLOW = (0, 0, 0, 0, 0.01, 0.02, 0.12, 0.35, 0.6, 0.78, 0.97, 1, 1, 1)
ROUTES = {"/ports": 0.3, "/ports/{id}": 0.66, "/": 0.02, names.ROUTE_UNMATCHED: 0.02}


def during_incident(moment: float) -> bool:
    """Tell whether the service fails at that moment."""
    return INCIDENT[0] <= moment < INCIDENT[1]


def requests_per_second(moment: float) -> float:
    """Return the rate of requests: more by day, and a little different each minute."""
    daily = math.sin(2 * math.pi * (moment / DAY - 0.3))
    restless = math.sin(moment / 97) + math.sin(moment / 41) + math.sin(moment / 313)
    return 42 + 14 * daily + 1.2 * restless


class Counters:
    """Counters by their labels, which grow, and whose lines are written at each scrape."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def add(self, name: str, labels: Mapping[str, str], count: float) -> None:
        """Let a counter grow."""
        key = identity(name, labels)
        self._values[key] = self._values.get(key, 0) + count

    def lines(self, moment: float) -> Iterator[str]:
        """Yield what a scrape reads."""
        for key, value in self._values.items():
            yield f"{key} {value:.0f} {moment + OFFSET:.1f}\n"


def identity(name: str, labels: Mapping[str, str]) -> str:
    """Return a series as text."""
    target = {names.SERVICE_NAME: SERVICE, names.ENVIRONMENT: ENVIRONMENT, "instance": "ports-0"}
    pairs = ",".join(f'{key}="{value}"' for key, value in (target | dict(labels)).items())
    return f"{name}{{{pairs}}}"


def write(file: Path) -> None:
    """Write the history as OpenMetrics text."""
    counters = Counters()
    steps = [*range(START, RECENT, RARELY_SECONDS), *range(RECENT, END + 1, SCRAPE_SECONDS)]
    with file.open("w") as out:
        for before, moment in pairwise(steps):
            _count(counters, moment, requests_per_second(moment) * (moment - before))
            out.writelines(counters.lines(moment))
            out.write(f"{identity('up', {})} 1 {moment + OFFSET:.1f}\n")
            if moment >= RECENT:
                out.writelines(_gauges(moment))
        out.write("# EOF\n")


def _count(counters: Counters, moment: int, requests: float) -> None:
    bad = during_incident(moment)
    failing = 0.14 if bad else 0.00022 * (1 + math.sin(moment / 5000))
    slow = 0.3 if bad else 0.0
    for route, share in ROUTES.items() if moment >= RECENT else [("/ports", 1.0)]:
        labels = {names.HTTP_METHOD: "GET", names.HTTP_ROUTE: route}
        ok = "404" if route == names.ROUTE_UNMATCHED else "200"
        answered = requests * share
        failed = answered * failing if route in ("/ports", "/ports/{id}") else 0
        _observe(counters, moment, labels | {names.HTTP_STATUS: ok}, answered - failed, slow)
        _observe(counters, moment, labels | {names.HTTP_STATUS: "503"}, failed, 0.8)
    if moment >= RECENT:
        waited = [0.97, *[0.999] * 4, *[1.0] * 9] if not bad else SLOW
        for bound, share in zip((*names.HTTP_DURATION_BUCKETS, "+Inf"), (*waited, 1), strict=True):
            counters.add(f"{names.HTTP_SERVER_QUEUE}_bucket", {"le": str(bound)}, requests * share)


def _observe(
    counters: Counters, moment: int, labels: dict[str, str], count: float, slow: float
) -> None:
    duration = names.HTTP_SERVER_DURATION
    counters.add(f"{duration}_count", labels, count)
    for index, bound in enumerate(names.HTTP_DURATION_BUCKETS):
        share = (1 - slow) * FAST[index] + slow * SLOW[index]
        # Before that only the objective's own bucket is asked for.
        if moment >= RECENT or bound == 0.1:
            counters.add(f"{duration}_bucket", labels | {"le": str(bound)}, count * share)
    if moment >= RECENT:
        counters.add(f"{duration}_bucket", labels | {"le": "+Inf"}, count)


def _gauges(moment: int) -> Iterator[str]:
    bad = during_incident(moment)
    restless = math.sin(moment / 60) + math.sin(moment / 23)
    imported = RECENT - 3600
    seconds = moment - RECENT
    values: list[tuple[str, dict[str, str], float]] = [
        (names.HTTP_SERVER_THREADS, {}, 8),
        (names.HTTP_SERVER_THREADS_BUSY, {}, 7 + restless / 2 if bad else 0.6 + restless / 4),
        (names.HTTP_SERVER_ACTIVE, {}, 9 + restless if bad else 0.8 + restless / 4),
        (names.HTTP_SERVER_WAITING, {}, max(0, 4 + restless) if bad else 0),
        ("process_resident_memory_bytes", {}, 92e6 + 3e5 * math.log1p(seconds) + 2e5 * restless),
        ("ports_stored", {}, 1634),
        ("ports_store_revision", {}, 171_798_691_840),
        ("ports_import_last_timestamp_seconds", {"outcome": "committed"}, imported),
        ("ports_import_last_duration_seconds", {}, 0.21),
        *(
            ("ports_import_last_ports", {"result": result}, count)
            for result, count in (("created", 1634), ("updated", 0), ("unchanged", 0))
        ),
        ("ports_imports_total", {"outcome": "committed"}, 1),
        # A counter that only this line knows: 9 % of a processor, and more while threads wait.
        (
            "process_cpu_seconds_total",
            {},
            0.09 * seconds
            + 0.4 * max(0, min(seconds, INCIDENT[1] - RECENT) - (INCIDENT[0] - RECENT)),
        ),
    ]
    for name, labels, value in values:
        yield f"{identity(name, labels)} {max(0.0, value):.3f} {moment + OFFSET:.1f}\n"


def make(folder: Path) -> None:
    """Make the history in a folder, with what the committed rules say of it.

    Alerts are recorded as Prometheus would show them, without their `for`: promtool records rules
    of the past, but not alerts.
    """
    text = folder / "history.txt"
    write(text)
    load(folder, text)
    slos = load_service(ROOT / "services" / SERVICE / "slo.yaml")
    groups = service_groups(SERVICE, slos, load_adoption(ROOT), Clock())
    alerts = [
        Rule("ALERTS", rule.expr, {"alertname": rule.name, "alertstate": "firing", **rule.labels})
        for group in groups
        for rule in group.rules
        if rule.is_alert
    ]
    base = (series.total(BASE_WINDOW), series.bad(BASE_WINDOW))
    shown = END - (SHOWN_MINUTES + 10) * MINUTE
    for rules in [*passes(groups), alerts]:
        over_month = [rule for rule in rules if rule.name in base]
        over_shown = [rule for rule in rules if rule.name not in base]
        with prometheus(folder) as server:
            if over_month:
                step = timedelta(seconds=RARELY_SECONDS)
                record(folder, server, over_month, START, END, step, blocks="180h")
            if over_shown:
                record(folder, server, over_shown, shown, END, timedelta(minutes=1))

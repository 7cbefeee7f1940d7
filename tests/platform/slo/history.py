"""Thirty days of made-up traffic, kept twice: as plain counts of events, and as Prometheus' blocks.

Each environment is one kind of traffic. The counts are the truth that the rules are measured by.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from slo import probes, series
from slo.emit import rule_groups, to_yaml
from slo.rules import Group, Rule
from slo.windows import BASE_WINDOW, prometheus_duration
from telemetry import declarations, names

from tests.platform.slo import newborn
from tests.platform.slo.real import Prometheus, prometheus, run, tool
from tests.service import ROOT

DAY = 86_400
SCRAPE = 15
DAYS = 30
END = 1_769_947_200  # 2026-02-01 12:00 UTC
START = END - DAYS * DAY
# A scrape does not happen at the moment of an evaluation.
OFFSET = 3.7
SCRAPES = DAYS * DAY // SCRAPE
RECENT = 2 * 3600
# Series of the sums over the period; all others are recorded for the last hour only.
BASE = (series.total(BASE_WINDOW), series.bad(BASE_WINDOW))


@dataclass(frozen=True)
class Tick:
    """Requests between two scrapes: all, those that failed, and those that succeeded slowly."""

    total: int
    failed: int
    slow: int
    restarted: bool = False


Traffic = Callable[[random.Random], Iterator[Tick]]


def constant(_: random.Random) -> Iterator[Tick]:
    """One in 2,000 requests fails and ten are slow, always."""
    return (Tick(2000, 1, 10) for _ in range(SCRAPES))


def bursts(dice: random.Random) -> Iterator[Tick]:
    """No errors but for bursts of seconds to minutes, up to all requests.

    Pods that fail before their first scrape come on top: `make`.
    """
    until, ratio = 0, 0.0
    for index in range(SCRAPES):
        if index >= until and dice.random() < 0.0005:
            until, ratio = index + dice.randint(1, 40), dice.choice((0.05, 0.3, 1.0))
        share = ratio if index < until else 0.0
        total = dice.randint(80, 120)
        failed = round(total * share)
        yield Tick(total, failed, round((total - failed) * share / 2))


def resets(dice: random.Random) -> Iterator[Tick]:
    """Random errors, while the process restarts every few hours and counts from zero."""
    for _ in range(SCRAPES):
        total = dice.randint(20, 60)
        failed = sum(dice.random() < 0.002 for _ in range(total))
        slow = sum(dice.random() < 0.008 for _ in range(total - failed))
        yield Tick(total, failed, slow, restarted=dice.random() < 1 / 1000)


def nights(dice: random.Random) -> Iterator[Tick]:
    """Busy days with few errors, nights of a request now and then with many."""
    for index in range(SCRAPES):
        hour = (START + index * SCRAPE) % DAY / 3600
        busy = max(0.0, math.sin(math.pi * (hour - 6) / 12))
        total = round(200 * busy) if busy else int(dice.random() < 0.05)
        chance = 0.0005 if busy else 0.3
        failed = sum(dice.random() < chance for _ in range(total))
        slow = sum(dice.random() < chance for _ in range(total - failed))
        yield Tick(total, failed, slow)


def faultless(_: random.Random) -> Iterator[Tick]:
    """Never an error: the series of failed requests never exists."""
    return (Tick(50, 0, 0) for _ in range(SCRAPES))


def idle(dice: random.Random) -> Iterator[Tick]:
    """Some requests with errors, and none in the last six hours."""
    quiet = SCRAPES - 6 * 3600 // SCRAPE
    for index in range(SCRAPES):
        yield Tick(10, int(dice.random() < 0.01), 1) if index < quiet else Tick(0, 0, 0)


# Dashboards and runbooks are asked about this environment; it alone has what only they ask for.
PANELS = "panels"
ENVIRONMENTS: dict[str, Traffic] = {
    "constant": constant,
    "bursts": bursts,
    "resets": resets,
    "nights": nights,
    "faultless": faultless,
    "idle": idle,
    PANELS: constant,
}


@dataclass
class Truth:
    """Counts of the events of one environment: requests, and probes, which the service may miss."""

    total: int = 0
    failed: int = 0
    slow: int = 0
    probes: int = 0
    lost: int = 0

    def add(self, total: int, failed: int) -> None:
        """Count more requests, none of them slow."""
        self.total += total
        self.failed += failed

    def bad_ratio(self, slo: str) -> float:
        """Ratio of bad events, in plain arithmetic."""
        match slo:
            case "availability":
                return self.failed / self.total
            case "latency":
                return self.slow / (self.total - self.failed)
            case _:
                return self.lost / self.probes


class Counter:
    """The lines of one counter series in OpenMetrics' text form."""

    def __init__(self, name: str, environment: str, **labels: str) -> None:
        target = {names.SERVICE_NAME: "ports", names.ENVIRONMENT: environment}
        pairs = ",".join(f'{key}="{value}"' for key, value in (target | labels).items())
        self.name = f"{name}{{{pairs}}}"
        self._value = 0
        self.lines: list[str] = []

    def add(self, count: int, at: float, *, restarted: bool) -> None:
        """Count, and note what the scrape at that time sees."""
        self._value = count if restarted else self._value + count
        self.lines.append(f"{self.name} {self._value} {at:.1f}\n")


def write(file: Path) -> dict[str, Truth]:
    """Write the history as OpenMetrics text; return the truth about it."""
    truths = {}
    with file.open("w") as out:
        for environment, traffic in ENVIRONMENTS.items():
            truths[environment] = _environment(environment, traffic, out.writelines)
        out.writelines(_recent(PANELS))
        out.write("# EOF\n")
    return truths


def _environment(
    environment: str, traffic: Traffic, write: Callable[[Iterable[str]], None]
) -> Truth:
    duration = names.HTTP_SERVER_DURATION
    route = {names.HTTP_METHOD: "GET", names.HTTP_ROUTE: "/ports"}
    good, failure = route | {names.HTTP_STATUS: "200"}, route | {names.HTTP_STATUS: "500"}
    succeeded = Counter(f"{duration}_count", environment, **good)
    failed = Counter(f"{duration}_count", environment, **failure)
    fast = Counter(f"{duration}_bucket", environment, **good, le="0.1")
    up = Counter("up", environment)
    probe = {"ptype": "http", probes.PROBE: "/ports", "dst": "ports"}
    asked, answered = (Counter(name, environment, **probe) for name in probes.COUNTERS)
    prober = Counter("up", environment, **{names.SERVICE_NAME: series.prober("ports")})
    truth = Truth()
    # The first scrape sees what was before the period.
    for index, tick in enumerate((Tick(0, 0, 0), *traffic(random.Random(environment)))):  # noqa: S311  # dice
        at = START + OFFSET + (index - 1) * SCRAPE
        succeeded.add(tick.total - tick.failed, at, restarted=tick.restarted)
        failed.add(tick.failed, at, restarted=tick.restarted)
        fast.add(tick.total - tick.failed - tick.slow, at, restarted=tick.restarted)
        up.add(1, at, restarted=True)
        prober.add(1, at, restarted=True)
        # A slow answer comes after the probe's timeout.
        lost = tick.failed + tick.slow
        asked.add(tick.total, at, restarted=tick.restarted)
        answered.add(tick.total - lost, at, restarted=tick.restarted)
        truth.probes += tick.total
        truth.lost += lost
        truth.total += tick.total
        truth.failed += tick.failed
        truth.slow += tick.slow
    kept = (succeeded, fast, up, asked, answered, prober)
    for counter in (*kept, *([failed] if truth.failed else [])):
        write(counter.lines)
    return truth


def _recent(environment: str) -> Iterator[str]:
    """Other series that dashboards and runbooks read, in the last two hours, in one environment."""
    bounds = (*(repr(bound) for bound in names.HTTP_DURATION_BUCKETS), "+Inf")
    ok = {names.HTTP_METHOD: "GET", names.HTTP_ROUTE: "/ports/{id}", names.HTTP_STATUS: "200"}
    overload = {names.HTTP_ROUTE: names.ROUTE_OVERLOAD, names.HTTP_STATUS: "503"}
    store = {names.DB_OPERATION: "get"}
    duration = names.HTTP_SERVER_DURATION
    growing = [
        *((f"{duration}_bucket", {**ok, "le": bound}) for bound in bounds),
        *((f"{names.HTTP_SERVER_QUEUE}_bucket", {"le": bound}) for bound in bounds),
        *((f"{names.STORE_DURATION}_bucket", {**store, "le": bound}) for bound in bounds),
        (f"{names.STORE_DURATION}_count", store),
        (f"{duration}_count", ok),
        (f"{duration}_count", overload),
        ("process_cpu_seconds_total", {}),
    ]
    alert = {"alertname": "Made", "alertstate": "firing", "slo": "availability"}
    steady = [
        (names.HTTP_SERVER_THREADS, {}),
        (names.HTTP_SERVER_THREADS_BUSY, {}),
        (names.HTTP_SERVER_ACTIVE, {}),
        (names.HTTP_SERVER_WAITING, {}),
        ("process_resident_memory_bytes", {}),
        ("ALERTS", alert),
        ("ALERTS", alert | {"slo": "latency"}),
        ("ALERTS", alert | {"slo": "reachability"}),
    ]
    for metric in declarations.of_service(ROOT / "services" / "ports").metrics:
        own = dict.fromkeys(metric.labels, "made")
        match metric.kind:
            case "counter":
                growing.append((metric.name, own))
            case "gauge":
                steady.append((metric.name, own))
            case "histogram":
                bounds = (*map(repr, metric.buckets), "+Inf")
                growing += [(f"{metric.name}_bucket", {**own, "le": bound}) for bound in bounds]
    for index, (name, labels) in enumerate((*growing, *steady)):
        counter = Counter(name, environment, **labels)
        for step in range(RECENT // SCRAPE):
            at = END - RECENT + step * SCRAPE + OFFSET
            counter.add(1, at, restarted=index >= len(growing))
        yield from counter.lines
    for version, since in (("1", 0), ("2", RECENT // 2)):
        counter = Counter(names.BUILD_INFO, environment, **{names.SERVICE_VERSION: version})
        for step in range(since // SCRAPE, (since + RECENT // 2) // SCRAPE):
            counter.add(1, END - RECENT + step * SCRAPE + OFFSET, restarted=True)
        yield from counter.lines


def passes(groups: Iterable[Group]) -> list[list[Rule]]:
    """Order recording rules so that each pass reads only what the passes before recorded."""
    waiting = [rule for group in groups for rule in group.rules if not rule.is_alert]
    ordered: list[list[Rule]] = []
    while waiting:
        ahead = {f"{rule.name}{{" for rule in waiting}
        ready = [rule for rule in waiting if not any(name in rule.expr for name in ahead)]
        assert ready, f"rules that wait for each other: {waiting}"
        ordered.append(ready)
        waiting = [rule for rule in waiting if rule not in ready]
    return ordered


def backfill(folder: Path, groups: list[Group]) -> None:
    """Record the rules into a folder's data: the 5m rates for 30 days, all others for an hour."""
    for rules in passes(groups):
        base = [rule for rule in rules if rule.name in BASE]
        rest = [rule for rule in rules if rule.name not in BASE]
        with prometheus(folder) as server:
            if base:
                record(folder, server, base, START, END, timedelta(seconds=SCRAPE))
            if rest:
                record(folder, server, rest, END - 3600, END, timedelta(minutes=1))


def record(
    folder: Path,
    server: Prometheus,
    rules: list[Rule],
    start: float,
    end: float,
    step: timedelta,
    blocks: str = "18h",
) -> None:
    """Record rules into a folder's data, once a step, between two moments.

    `blocks` is the longest that a block may be: one query a block asks for all its steps, of which
    Prometheus answers 11,000.
    """
    # One name for all passes: the moments of evaluation derive from names of file and group.
    file = folder / "pass.yaml"
    file.write_text(to_yaml(rule_groups([Group("backfill", step, tuple(rules))])))
    run(
        tool("promtool"), "tsdb", "create-blocks-from", "rules",
        f"--start={start:.0f}", f"--end={end:.0f}",
        f"--eval-interval={prometheus_duration(step)}", f"--max-block-duration={blocks}",
        f"--output-dir={folder / 'data'}", f"--url={server.url}", str(file),
    )  # fmt: skip


def make(folder: Path, groups: list[Group]) -> dict[str, Truth]:
    """Make the whole history in a folder, rules recorded; return the truth about it."""
    text = folder / "history.txt"
    truths = write(text)
    load(folder, text)
    born = [START + OFFSET + (day + 0.3) * DAY for day in range(1, DAYS - 1, 3)]
    truths["bursts"].add(*newborn.take(folder, "bursts", born))
    backfill(folder, groups)
    return truths


def load(folder: Path, text: Path) -> None:
    """Make a folder's data of OpenMetrics text, which is then deleted."""
    run(
        tool("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=2000h",
        "openmetrics", str(text), str(folder / "data"),
    )  # fmt: skip
    text.unlink()

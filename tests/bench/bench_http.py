"""Measures the service beside its peers and writes what it found to docs/benchmarks.md.

Every contender has one core to itself, wrk and the receiver of spans have the other one. Rounds of
all contenders take turns, those that are compared close to each other. A ratio is the median of the
rounds' own ratios, so that a slower machine changes it little. Many short rounds are better than a
few long ones. Where others work on the machine, the CPU time of a request is what to compare: a
core's highest rate is its inverse.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Sequence

from tqdm import tqdm

from tests.bench import contenders, report, wrk
from tests.bench.contenders import (
    OFF,
    OTLP,
    TENTH,
    Contender,
    go,
    gunicorn,
    service,
    stock_worker,
    uvicorn,
    worker,
)

ABOUT = """
## How does the service compare with its peers?

Each request is `GET /ports/AEAJM` unless a contender's name says otherwise. The server runs on one
core; wrk, with 16 connections, and a receiver of spans run on the other core. `tests/bench/peers`
has the peers and their commands. Figures are medians of the rounds; ratios are medians of each
round's ratio. The names of the contenders mean:

- *Returning {}*: an application that always answers `{}`. *Our worker* is the accelerator's worker;
  *gunicorn* is gunicorn's own.
- *Exporting*: every span goes to the receiver by OTLP/HTTP; the service also writes its access line
  and counts its metrics. *Exporting to nothing*: the program creates spans and sends none.
- *Stock parts*: the service without the accelerator (`TELEMETRY_FAST=off`). *Stock worker alone*:
  with the accelerator, but without its worker and HTTP parser.
- *Off*: without spans, OTLP metrics and the access line, but with the histogram and the request ID.
- *304*: a conditional request for a port that has not changed. *1000 listed*: a list of 1,000
  ports. *Whole list*: a list of all ports.
"""

LIST = "/ports?limit=1000"
KNOWN = f"If-None-Match: {contenders.ITS_TAG}"

BARE = "gunicorn, returning {}"
NAIVE = "naive Ninja, exporting"
FASTAPI = "FastAPI, exporting"
ON, TENTH_ON, SWITCHED_OFF = "ports, 100 % of spans", "ports, 10 % of spans", "ports, off"
STOCK = "ports, stock parts"
STOCK_WORKER = "ports, stock worker alone"
LISTED, NOT_MODIFIED, GO_LIST = "ports, 1000 listed", "ports, 304", "Go, whole list"
ACCESS_LOG = ("--access-logfile", "/dev/null")

CONTENDERS: tuple[Contender, ...] = (
    worker("our worker, returning {}"),
    gunicorn("naive Ninja, no telemetry", "naive_ninja:app", *ACCESS_LOG),
    uvicorn("FastAPI, no telemetry"),
    go("Go, exporting to nothing"),
    gunicorn(BARE, "bare_wsgi:app", path="/"),
    gunicorn(NAIVE, "naive_ninja:app", *ACCESS_LOG, tel="1"),
    uvicorn(FASTAPI, tel="1"),
    service(NOT_MODIFIED, contenders.ONE_PORT, KNOWN, **OTLP),
    service(ON, **OTLP),
    service(STOCK, **OTLP, TELEMETRY_FAST="off"),
    stock_worker(STOCK_WORKER, **OTLP),
    service(SWITCHED_OFF, **OFF),
    service(TENTH_ON, **OTLP, **TENTH),
    service(LISTED, LIST, **OTLP),
    go(GO_LIST, path="/ports"),
)

RATIOS = (
    (ON, FASTAPI, 1.8),
    (ON, NAIVE, 2.5),
    (STOCK, FASTAPI, 0.68),
    (STOCK, NAIVE, 1.1),
    (ON, STOCK_WORKER, 1.03),
    (ON, BARE, 0.35),
    (ON, SWITCHED_OFF, 0.65),
    (TENTH_ON, SWITCHED_OFF, 0.8),
    (LISTED, GO_LIST, 2.0),
    (NOT_MODIFIED, ON, 1.0),
)


class Figures:
    """The rounds of one contender."""

    def __init__(self) -> None:
        self.rounds: list[wrk.Round] = []
        self.starts: list[float] = []
        self.rss = 0.0
        self.dropped = False

    def median(self, name: str) -> float:
        """Return the median of a round's field."""
        return statistics.median(self.each(name))

    def each(self, name: str) -> list[float]:
        """Return a field of each round."""
        return [float(getattr(one, name)) for one in self.rounds]


def measure(
    chosen: Sequence[Contender], rounds: int, seconds: int, warm_up: int
) -> dict[str, Figures]:
    """Return what each contender came to."""
    figures = {contender.name: Figures() for contender in chosen}
    turns = [contender for _ in range(rounds) for contender in chosen]
    with contenders.sink(), tqdm(turns, "rounds", disable=None) as progress:
        for contender in progress:
            progress.set_postfix_str(contender.name)
            found = figures[contender.name]
            with contenders.running(contender) as server:
                wrk.load(server, warm_up)
                found.rounds.append(wrk.load(server, seconds))
                found.starts.append(server.start_seconds)
                found.rss = max(found.rss, server.rss())
                found.dropped = found.dropped or server.dropped_spans()
    return figures


def described(figures: dict[str, Figures]) -> str:
    """Return the figures and their ratios as Markdown."""
    rows = [
        (
            name,
            f"{found.median('rate'):,.0f}",
            f"{found.median('p50'):.1f}",
            f"{found.median('p99'):.1f}",
            f"{found.median('cpu_per_request'):.3f}",
            f"{found.rss:.0f}",
            f"{statistics.median(found.starts):.1f}",
        )
        for name, found in figures.items()
    ]
    head = ("contender", "requests/s", "p50 ms", "p99 ms", "CPU s / 1,000", "RSS MB", "start s")
    ratios = []
    for ours, theirs, wanted in RATIOS:
        if ours in figures and theirs in figures:
            one, other = figures[ours], figures[theirs]
            by_cpu = report.ratio(other.each("cpu_per_request"), one.each("cpu_per_request"))
            by_rate = report.ratio(one.each("rate"), other.each("rate"))
            ratios.append((f"{ours} : {theirs}", f"{by_rate:.2f}", f"{by_cpu:.2f}", wanted))
    names = ("ratio of", "requests/s", "requests per CPU second", "target, at least")
    dropped = ", ".join(name for name, found in figures.items() if found.dropped) or "none"
    said = f"Contenders that dropped spans because their exporter's queue was full: {dropped}."
    return "\n\n".join((report.table(head, rows), said, report.table(names, ratios)))


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each (%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="of a round (%(default)s)")
    parser.add_argument("--only", default="", help="contenders whose name contains this")
    parser.add_argument("--quick", action="store_true", help="one round of a second; not written")
    given = parser.parse_args()
    for program, how in (("wrk", "apt-get install wrk"), ("taskset", "apt-get install util-linux")):
        if shutil.which(program) is None:
            parser.error(f"{program} is needed: {how}")
    chosen = [one for one in CONTENDERS if given.only in one.name]
    if not chosen:
        parser.error(f"no contender's name contains {given.only!r}")
    rounds, seconds = (1, 1) if given.quick else (given.rounds, given.seconds)
    text = described(measure(chosen, rounds, seconds, warm_up=1))
    print(text)
    if not given.quick and not given.only:
        report.write("http", ABOUT, f"make bench ROUNDS={rounds} SECONDS={seconds}", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

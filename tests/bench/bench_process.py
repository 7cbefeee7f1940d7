"""Measures one worker's memory over many requests, p99 at half rate, and four workers against one.

Writes docs/benchmarks.md. Everything is exported to the peers' receiver of spans.
"""

import argparse
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from tqdm import tqdm

from tests.bench import contenders, report, wrk
from tests.bench.bench_http import ACCESS_LOG
from tests.bench.contenders import (
    OTLP,
    SERVER_CORE,
    Contender,
    Running,
    gunicorn,
    service,
    worker,
)
from tests.service import ROOT

ABOUT = """
## A worker's memory and latency

Each request is `GET /ports/AEAJM` with all telemetry on; every span goes to a receiver of spans.
There are 16 connections; each of four workers has a quarter of them. wrk measures the highest rate.
vegeta measures p99: it sends at equal intervals, while /metrics is scraped once a second. wrk and
the receiver run on the second core, vegeta and the server on both. *One core per worker* means that
`PORTS_CPU_AFFINITY` is on; a single worker then runs on the first core. Figures are medians of the
rounds.
"""

ONE = service("ports, one worker", **OTLP)
BOTH_CORES = "0,1"
VEGETA = ROOT / "tools/bin/vegeta"
KEPT = {"PORTS_CPU_AFFINITY": "true"}
TWO_CORES = {
    name: dataclasses.replace(service(name, **OTLP, **more), cores=BOTH_CORES)
    for name, more in (("default settings", {}), ("one core per worker", KEPT))
}
NOTHING = dataclasses.replace(worker("worker, returning {}"), cores=BOTH_CORES)


def memory(requests: int) -> list[tuple[str, str, str]]:
    """Return the lines about a worker's resident memory over so many requests."""
    done, seen = 0, []
    with contenders.running(ONE) as server, tqdm(total=requests, disable=None) as progress:
        while done < requests:
            found = wrk.load(server, 2).requests
            done += found
            progress.update(found)
            seen.append((done, server.rss()))
    half = [rss for number, rss in seen if number >= done / 2]
    growth = max(half) / half[0] - 1
    return [
        (f"RSS of a worker after {done:,} requests", f"{seen[-1][1]:.1f} MB", "under 110 MB"),
        ("growth of RSS over the last half of the requests", f"{growth:+.2%}", "at most +2 %"),
    ]


def latency(rounds: int, seconds: int) -> list[tuple[str, str, str]]:
    """Return the lines about p99 at half of the highest rate, scraped once a second: medians.

    A server that does nothing, at the same rates, shows what of it is the machine's.
    """
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in TWO_CORES}
    for _ in tqdm(range(rounds), "rounds of latency", disable=None):
        for name, contender in TWO_CORES.items():
            with contenders.running(contender) as server:
                wrk.load(server, 2)
                highest = wrk.load(server, seconds).rate
                with _scraped(server):
                    ours = _evenly(server, highest / 2, seconds)
            with contenders.running(NOTHING) as server:
                wrk.load(server, 2)
                found[name].append((highest, *ours, _evenly(server, highest / 2, seconds)[1]))
    lines = []
    for name, each in found.items():
        highest, rate, p99, machine = (statistics.median(one) for one in zip(*each, strict=True))
        of = f"p99 at {rate:,.0f} requests/s (highest rate: {highest:,.0f}), {name}"
        lines.append((of, f"{p99:.1f} ms", "under 10 ms"))
        of = f"p99 of the worker returning {{}} at {rate:,.0f} requests/s, not scraped"
        lines.append((of, f"{machine:.1f} ms", "for comparison"))
    return lines


def _evenly(server: Running, rate: float, seconds: int) -> tuple[float, float]:
    """Return the rate and the p99 in milliseconds of requests sent at equal distances.

    Raises:
        RuntimeError: Some answer was an error.
    """
    said = subprocess.run(
        [
            *(str(VEGETA), "attack", f"-rate={rate:.0f}/1s", f"-duration={seconds}s"),
            *(f"-{what}={wrk.CONNECTIONS}" for what in ("connections", "workers")),
            f"-max-workers={wrk.CONNECTIONS}",
        ],
        input=f"GET {server.url}".encode(),
        capture_output=True,
        check=True,
    ).stdout
    command = [str(VEGETA), "report", "-type=json"]
    found = json.loads(subprocess.run(command, input=said, capture_output=True, check=True).stdout)
    if found["success"] != 1:
        raise RuntimeError(f"not every request was answered with 200: {found['status_codes']}")
    return found["rate"], found["latencies"]["99th"] / 1e6


@contextmanager
def _scraped(server: Running) -> Iterator[None]:
    """Scrape a server once a second meanwhile; what goes wrong there is raised at the end."""
    url = server.url.replace(contenders.ONE_PORT, "/metrics")
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(1):
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own service
                answer.read()

    with ThreadPoolExecutor(1) as scraper:
        scraping = scraper.submit(scrape)
        try:
            yield
        finally:
            stop.set()
        scraping.result()


def workers(rounds: int, seconds: int) -> list[tuple[str, str, str]]:
    """Return the lines about four workers against one: medians of rounds that take turns.

    Raises:
        RuntimeError: Some worker hardly got anything to do, or some answer was an error.
    """
    more: list[list[float]] = [[] for _ in _COMPARED]
    each, gained = [], []
    for _ in tqdm(range(rounds), "rounds of one and four workers", disable=None):
        of_one = {}
        for found, (name, make, cores, _wanted) in zip(more, _COMPARED, strict=True):
            one, four = (_served_by(make(count), count, cores, seconds) for count in (1, 4))
            found.append(four[0] / one[0] - 1)
            of_one[name] = one[0]
            if make is _service:
                each.append((four[1] - one[1]) / 3)
        gained.append(of_one[_KEPT] / of_one[_BOTH] - 1)
    lines = []
    for found, (name, _make, _cores, wanted) in zip(more, _COMPARED, strict=True):
        line = f"CPU per request, four workers compared with one, {name}"
        lines.append((line, f"{statistics.median(found):+.1%}", wanted))
    line = "CPU per request, one worker, one core compared with two"
    lines.append((line, f"{statistics.median(gained):+.1%}", "for comparison"))
    memory_each = f"{statistics.median(each):.1f} MB"
    return [*lines, ("memory of each additional worker (PSS)", memory_each, "under 25 MB")]


def _service(count: int, /, **more: str) -> Contender:
    return service(f"ports, {count} workers", WEB_CONCURRENCY=str(count), **OTLP, **more)


def _naive(count: int) -> Contender:
    name = f"naive Ninja, {count} workers"
    return gunicorn(name, "naive_ninja:app", *ACCESS_LOG, tel="1", workers=count)


_BOTH, _KEPT = "two cores", "two cores, one core per worker"
# The naive peer, on stock gunicorn, shows what sharing a core costs any such processes.
_COMPARED: tuple[tuple[str, Callable[[int], Contender], str, str], ...] = (
    (_BOTH, _service, BOTH_CORES, "at most +10 %"),
    (_KEPT, partial(_service, **KEPT), BOTH_CORES, "at most +10 %"),
    ("all on one core", _service, SERVER_CORE, "at most +10 %"),
    ("naive Ninja, two cores", _naive, BOTH_CORES, "for comparison"),
    ("naive Ninja, all on one core", _naive, SERVER_CORE, "for comparison"),
)


def _served_by(named: Contender, count: int, cores: str, seconds: int) -> tuple[float, float]:
    """Return CPU milliseconds of a request and PSS in MB with so many workers, all at work."""
    with contenders.running(dataclasses.replace(named, cores=cores)) as server:
        wrk.load_evenly(server, 1)
        spent = [-sum(worker.cpu_times()[:2]) for worker in server.workers()]
        cpu = wrk.load_evenly(server, seconds)
        for number, worker in enumerate(server.workers()):
            spent[number] += sum(worker.cpu_times()[:2])
        if min(spent) < sum(spent) / count / 2:
            raise RuntimeError(f"of {count} workers one hardly got anything to do: {spent}")
        time.sleep(1)
        return cpu, sum(server.pss())


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-process", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="of a round (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it; not written")
    given = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            parser.error(f"{program} is needed: apt-get install wrk util-linux")
    requests, seconds = (2_000, 2) if given.quick else (given.requests, given.seconds)
    rounds = 1 if given.quick else 5
    with contenders.sink():
        rows = [*memory(requests), *latency(rounds, seconds), *workers(rounds, seconds)]
    text = report.table(("figure", "measured", "target"), rows)
    print(text)
    if not given.quick:
        report.write("process", ABOUT, "make bench-process", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

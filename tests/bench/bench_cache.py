"""Reads of PostgreSQL: without a cache, with one in memory, with one that replicas share."""

import argparse
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil

from tests import postgres, service
from tests.bench import report
from tests.support.cache_server import CacheServer

CONTENDERS = ("no cache", "in memory", "shared", "shared, missed")
PATHS = {
    "one port": "/ports/AEAJM",
    "a page of 100 ports": "/ports?limit=100",
    "a search for names": "/ports?q=port&limit=100",
}
CONNECTIONS = 8
ABOUT = """
## What does a shared cache cost?

Each request reads what the cache already has, except *shared, missed*: there, the cache's server is
full, so each read asks the cache in vain and then PostgreSQL. All services read one PostgreSQL on
the same machine. Debian's Redis, which speaks the protocol of Valkey, runs there too. The
contenders take turns. Figures are medians of the rounds; ratios are medians of each round's ratio.
*CPU* is that of the service's processes alone. Over a network, a statement and a command each take
a round trip more than here.
"""


class Round(NamedTuple):
    """The result of one round of load: rates per second, latency and CPU in milliseconds."""

    rate: float
    p50: float
    cpu: float


def load(server: service.Service, path: str, seconds: int) -> Round:
    """Ask one server for so many seconds.

    Raises:
        RuntimeError: Some answer was an error.
    """
    before = cpu(server)
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"{server.url}{path}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{path} failed under load:\n{said}")
    requests = int(_found(r"(\d+) requests in", said)[1])
    p50 = _found(r"50%\s+([\d.]+)(us|ms|s)", said)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p50[2]]
    spent = (cpu(server) - before) / requests * 1000
    return Round(requests / seconds, float(p50[1]) * scale, spent)


def _found(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text)
    if found is None:
        raise LookupError(f"{pattern} is not in the output of wrk:\n{text}")
    return found


def cpu(server: service.Service) -> float:
    """Return the CPU seconds of a service's processes."""
    first = psutil.Process(server.process.pid)
    times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def measure(rounds: int, seconds: int) -> dict[tuple[str, str], list[Round]]:
    """Return the rounds of each kind of read and contender."""
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.cluster() as database,
        ExitStack() as stack,
    ):
        folder = Path(name)
        cache, full = (stack.enter_context(CacheServer(folder)) for _ in range(2))
        stack.enter_context(full.full())
        url = postgres.new_database(database.url, "ports_bench", postgres.ports(database.url))
        settings: Iterable[dict[str, str]] = (
            {"PORTS_CACHE_SECONDS": "0"},
            {"PORTS_CACHE_SECONDS": "60"},
            {"PORTS_CACHE_SECONDS": "60", "PORTS_CACHE_URL": cache.url},
            {"PORTS_CACHE_SECONDS": "60", "PORTS_CACHE_URL": full.url},
        )
        servers = {
            contender: stack.enter_context(
                service.running(folder, PORTS_STORE_URL=url, LOG_LEVEL="warning", **each)
            )
            for contender, each in zip(CONTENDERS, settings, strict=True)
        }
        results: dict[tuple[str, str], list[Round]] = {}
        for number in range(rounds + 1):
            for what, path in PATHS.items():
                for contender, server in servers.items():
                    result = load(server, path, 1 if number == 0 else seconds)
                    if number:  # the first round fills the caches
                        results.setdefault((what, contender), []).append(result)
        return results


def rows(results: dict[tuple[str, str], list[Round]]) -> Iterable[tuple[object, ...]]:
    """Yield the rows of the table."""
    for (what, contender), rounds in results.items():
        plain = results[what, CONTENDERS[0]]
        rate, p50, spent = (statistics.median(values) for values in zip(*rounds, strict=True))
        yield (
            f"{what}, {contender}",
            f"{rate:,.0f}",
            f"{p50:.1f}",
            f"{spent:.2f}",
            f"{report.ratio([each.rate for each in rounds], [each.rate for each in plain]):.2f}",
            f"{report.ratio([each.cpu for each in rounds], [each.cpu for each in plain]):.2f}",
        )


def main() -> None:
    """Run the benchmark and write its section of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    head = ("read", "requests/s", "p50 ms", "CPU ms", "rate : no cache", "CPU : no cache")
    table = report.table(head, rows(measure(given.rounds, given.seconds)))
    report.write("cache", ABOUT, "make bench-cache", table)


if __name__ == "__main__":
    main()

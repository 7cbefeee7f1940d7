"""Measures one worker's memory over many requests, p99 at half rate, and four workers against one.

Writes docs/benchmarks.md. Everything is exported to the peers' receiver of spans.
"""

import argparse
import dataclasses
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

from tqdm import tqdm

from tests.bench import contenders, report, wrk
from tests.bench.contenders import OTLP, Running, service

ABOUT = """
## A worker's memory and latency

`GET /ports/AEAJM`, everything on, every span exported to the peers' receiver; wrk and hey with 16
connections.
"""

ONE = service("ports, one worker", **OTLP)
BOTH_CORES = "0,1"
TWO_CORES = dataclasses.replace(ONE, cores=BOTH_CORES)


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
        ("highest over the last half, against its beginning", f"{growth:+.2%}", "at most +2 %"),
    ]


def latency(seconds: int) -> list[tuple[str, str, str]]:
    """Return the line about p99 at half of the highest rate, scraped once a second."""
    with contenders.running(TWO_CORES) as server:
        wrk.load(server, 2)
        highest = wrk.load(server, seconds).rate
        stop = threading.Event()
        scraper = threading.Thread(target=_scrape, args=(server, stop), daemon=True)
        scraper.start()
        connections = ("-c", str(wrk.CONNECTIONS))
        each = highest / 2 / wrk.CONNECTIONS
        said = subprocess.run(
            ["hey", *connections, "-z", f"{seconds}s", "-q", f"{each:.2f}", server.url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        stop.set()
        scraper.join()
    p99 = re.search(r"99% in ([\d.]+) secs", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if p99 is None or rate is None or "[200]" not in said:
        raise RuntimeError(f"hey said:\n{said}")
    name = f"p99 at {float(rate[1]):,.0f} requests/s, the highest rate being {highest:,.0f}"
    return [(name, f"{float(p99[1]) * 1000:.1f} ms", "under 10 ms")]


def _scrape(server: Running, stop: threading.Event) -> None:
    url = server.url.replace(contenders.ONE_PORT, "/metrics")
    while not stop.wait(1):
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own service
            answer.read()


def workers(seconds: int) -> list[tuple[str, str, str]]:
    """Return the lines about four workers against one."""
    cpu, pss = {}, {}
    for count in (1, 4):
        named = service(f"ports, {count} workers", WEB_CONCURRENCY=str(count), **OTLP)
        with contenders.running(named) as server:
            wrk.load(server, 1)
            cpu[count] = wrk.load(server, seconds).cpu_per_request
            time.sleep(1)
            pss[count] = sum(server.pss())
    more, each = cpu[4] / cpu[1] - 1, (pss[4] - pss[1]) / 3
    return [
        ("CPU of a request, four workers against one", f"{more:+.1%}", "at most +10 %"),
        ("memory of each further worker (PSS)", f"{each:.1f} MB", "under 25 MB"),
    ]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-process", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="of a round (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it; not written")
    given = parser.parse_args()
    for program in ("wrk", "hey", "taskset"):
        if shutil.which(program) is None:
            parser.error(f"{program} is needed: apt-get install wrk hey util-linux")
    requests, seconds = (2_000, 2) if given.quick else (given.requests, given.seconds)
    with contenders.sink():
        rows = [*memory(requests), *latency(seconds), *workers(seconds)]
    text = report.table(("figure", "measured", "wanted"), rows)
    print(text)
    if not given.quick:
        report.write("process", ABOUT, "make bench-process", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

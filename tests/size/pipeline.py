"""The whole stack under requests, and the figures of its spans, log lines and disks."""

import itertools
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from stack.components import Site
from stack.stack import Stack
from tqdm import tqdm

from tests.e2e.backends import eventually

CLIENTS = 4
IDS = ("AEAJM", "AEAUH", "AEDXB", "DEHAM", "NLRTM", "SGSIN", "USNYC", "XXXXX")
# Loki cuts its write-ahead log, which lies beside the chunks.
DISKS = {"jaeger": "jaeger", "loki": "loki/chunks"}


@dataclass(frozen=True)
class Seen:
    """Requests that one run of the stack handled, and its use of memory and disk."""

    requests: int
    seconds: float
    spans: int
    lines: int
    rules: int
    """Series that rules of the service made."""

    platform: int
    """Series of the platform's own components."""

    line_bytes: int
    disk: dict[str, int]
    idle: dict[str, int]
    """Resident memory of each component before the first request."""

    busy: dict[str, int]
    """Largest resident memory of each component under the requests."""


def measure(folder: Path, requests: int, *, shown: bool = True) -> Seen:
    """Send so many requests to the service of a stack in a folder, and return what came of them."""
    site = Site(folder)
    with Stack(site) as stack:
        service, gateway = site.addresses.url("ports"), site.addresses.url("gateway-metrics")
        before, idle = _sent(gateway), _resident(stack)
        busy = dict(idle)
        began = time.monotonic()
        for _ in _ask(service, requests, shown=shown):
            busy = {name: max(busy[name], now) for name, now in _resident(stack).items()}
        seconds = time.monotonic() - began

        def arrived() -> bool:
            spans, lines = _sent(gateway)
            return spans - before[0] >= requests and lines - before[1] >= requests

        eventually(arrived, 300)
        after = _settled(gateway)
        rules = _count(site, 'count({__name__=~".+:.+"} or ALERTS or ALERTS_FOR_STATE)')
        platform = _count(site, 'sum(scrape_samples_post_metric_relabeling{job!="ports"})')
        logs = sum(file.stat().st_size for file in site.pods.rglob("*.log"))
    disk = {name: _bytes(folder / place) for name, place in DISKS.items()}
    spans, lines = (now - then for now, then in zip(after, before, strict=True))
    return Seen(requests, seconds, spans, lines, rules, platform, logs, disk, idle, busy)


def _ask(url: str, requests: int, *, shown: bool) -> Iterator[None]:
    """Send the requests, and yield each second."""
    progress = tqdm(total=requests, unit=" requests", disable=not shown)

    def client(number: int) -> None:
        with httpx.Client(base_url=url, timeout=60) as asking:
            for each in itertools.islice(
                itertools.cycle(IDS), number, number + requests // CLIENTS
            ):
                asking.get(f"/ports/{each}")
                progress.update()

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(client, number) for number in range(CLIENTS)]
        while not all(each.done() for each in running):
            time.sleep(1)
            yield
    for each in running:
        each.result()
    progress.close()


def _sent(url: str) -> tuple[int, int]:
    """Return how many spans and log records the gateway has sent on."""
    text = httpx.get(f"{url}/metrics", timeout=30).text
    kinds = ("spans", "log_records")
    found = (
        re.findall(rf"^otelcol_exporter_sent_{kind}\{{.*\}} (\S+)$", text, re.MULTILINE)
        for kind in kinds
    )
    spans, lines = (int(sum(map(float, numbers))) for numbers in found)
    return spans, lines


def _count(site: Site, expression: str) -> int:
    url = f"{site.addresses.url('prometheus')}/api/v1/query"
    (found,) = httpx.get(url, params={"query": expression}).json()["data"]["result"]
    return int(found["value"][1])


def _settled(url: str) -> tuple[int, int]:
    last, now = (0, 0), _sent(url)
    while now != last:
        time.sleep(2)
        last, now = now, _sent(url)
    return now


def _resident(stack: Stack) -> dict[str, int]:
    found = {}
    for name, process in stack.processes.items():
        found[name] = psutil.Process(process.pid).memory_info().rss
    return found


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())

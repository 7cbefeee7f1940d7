"""Fills the memory store with real and with generated ports; prints bytes a port and look-up times.

One run times the look-ups of both stores in turn, so that the ratios hold on any machine. It times
the store alone, and the answers that a client of the running service gets.
"""

import argparse
import gc
import random
import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import orjson
import psutil
from seaports.adapters.document import encode
from seaports.adapters.feed.reader import read_records
from seaports.adapters.store.memory import MemoryPortStore
from seaports.application.import_ports import import_ports
from seaports.application.interfaces import Selection
from seaports.domain.port import Unlocode

from tests import service
from tests.bench import generate
from tests.service import FOLDER

ROUNDS = 15
LOOKUPS = 20_000
GETS = 3_000


def filled(file: Path) -> MemoryPortStore:
    """Return a store with the file's ports."""
    store = MemoryPortStore(encode)
    with file.open("rb") as stream:
        import_ports(store, read_records(stream))
    return store


def lookups(store: MemoryPortStore, ids: list[Unlocode]) -> float:
    """Return the nanoseconds that one look-up takes on average, ids in random order."""
    started = time.perf_counter_ns()
    for port_id in ids:
        store.get(port_id)
    return (time.perf_counter_ns() - started) / len(ids)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=1_000_000)
    records = parser.parse_args().records
    small = filled(FOLDER / "data/ports.json")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ports.json"
        generate.write(file, records)
        gc.collect()
        before = psutil.Process().memory_info().rss
        started = time.perf_counter()
        large = filled(file)
        seconds = time.perf_counter() - started
        gc.collect()
        size = psutil.Process().memory_info().rss - before
        documents = sum(map(len, large.stream(Selection())))
        served = gets(Path(folder), file, records)
    print(
        f"{large.count():,} ports in {seconds:.1f} s ({large.count() / seconds:,.0f} records/s):"
        f" {size / large.count():.0f} bytes a port, of which its document"
        f" {documents / large.count():.0f}"
    )
    shuffle = random.Random(1).choices  # noqa: S311 - nothing secret
    # As many distinct ids of either store, so that the caches of the processor hold as much.
    known = [
        list(map(Unlocode, ids_of_data_set())),
        shuffle(list(map(Unlocode, generate_ids(records))), k=small.count()),
    ]
    everywhere = shuffle(list(map(Unlocode, generate_ids(records))), k=LOOKUPS)
    times: dict[str, list[float]] = {"small": [], "large": [], "large, cold": []}
    for _ in range(ROUNDS):
        times["small"].append(lookups(small, shuffle(known[0], k=LOOKUPS)))
        times["large"].append(lookups(large, shuffle(known[1], k=LOOKUPS)))
        times["large, cold"].append(lookups(large, everywhere))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"look-up, {name}: {median:.0f} ns, {median / medians['small']:.2f} of small")
    for name, median in served.items():
        print(f"GET, {name}: {median:.0f} us, {median / served['small']:.2f} of small")
    return 0


def gets(folder: Path, file: Path, records: int) -> dict[str, float]:
    """Return the median microseconds of a GET of one port, by service, asked in turn."""
    ids = {"small": ids_of_data_set(), "large": generate_ids(records)}
    times: dict[str, list[float]] = {"small": [], "large": []}
    with (
        service.running(folder) as small,
        service.running(folder, PORTS_DATA_FILE=str(file)) as large,
    ):
        clients = {"small": connection(small), "large": connection(large)}
        draw = random.Random(1).choice  # noqa: S311
        for _ in range(GETS):
            for name, client in clients.items():
                path = f"/ports/{draw(ids[name])}"
                started = time.perf_counter_ns()
                client.request("GET", path)
                response = client.getresponse()
                response.read()
                times[name].append((time.perf_counter_ns() - started) / 1000)
                if response.status != HTTPStatus.OK:
                    raise SystemExit(f"{path}: {response.status}")
    return {name: statistics.median(values) for name, values in times.items()}


def connection(running: service.Service) -> HTTPConnection:
    """Return a kept-alive connection to the service."""
    return HTTPConnection(running.url.removeprefix("http://"))


def ids_of_data_set() -> list[str]:
    """Return the ids of the real ports."""
    return list(orjson.loads((FOLDER / "data/ports.json").read_bytes()))


def generate_ids(records: int) -> list[str]:
    """Return the ids that the generated file has."""
    return [key for key, _ in zip(generate.unlocodes(), range(records), strict=False)]


if __name__ == "__main__":
    sys.exit(main())

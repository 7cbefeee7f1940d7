"""Fills the memory store with real and with generated ports; prints bytes a port and look-up times.

The look-ups of both stores are timed in turn in one run, so that their ratio holds on any machine.
"""

import argparse
import gc
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import orjson
import psutil
from seaports.adapters.document import encode
from seaports.adapters.feed.reader import read_records
from seaports.adapters.store.memory import MemoryPortStore
from seaports.application.import_ports import import_ports
from seaports.application.interfaces import Selection
from seaports.domain.port import Unlocode

from tests.bench import generate
from tests.service import FOLDER

ROUNDS = 15
LOOKUPS = 20_000


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
    print(
        f"{large.count():,} ports in {seconds:.1f} s ({large.count() / seconds:,.0f} records/s):"
        f" {size / large.count():.0f} bytes a port, of which its document"
        f" {documents / large.count():.0f}"
    )
    shuffle = random.Random(1).choices  # noqa: S311 - nothing secret
    # As many distinct ids of either store, so that the caches of the processor hold as much.
    known = [
        [Unlocode(orjson.loads(document)["id"]) for document in small.stream(Selection())],
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
    return 0


def generate_ids(records: int) -> list[str]:
    """Return the ids that the generated file has."""
    return [key for key, _ in zip(generate.unlocodes(), range(records), strict=False)]


if __name__ == "__main__":
    sys.exit(main())

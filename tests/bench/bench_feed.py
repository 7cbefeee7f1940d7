"""Imports one generated file beside what its parts cost alone; writes docs/benchmarks.md.

Into memory, beside ijson's C backend that only walks the same file. Into PostgreSQL, beside psql's
own COPY of the same rows into the same table with its indexes. They take turns; figures are medians
of records a second, of CPU time where one process does the work and of the clock where the database
does. Then the import is taken step by step: what each adds to the CPU time of a record.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise, starmap
from pathlib import Path

import ijson
import psycopg
from seaports.adapters.document import encode
from seaports.adapters.feed.reader import read_records
from seaports.adapters.feed.source import Source
from seaports.adapters.store.memory import MemoryPortStore
from seaports.application.import_ports import import_ports
from seaports.domain.port import port_from_record
from stack import postgresql
from tqdm import tqdm

from tests import postgres, service
from tests.bench import generate, report

ABOUT = """
## How fast is an import?

Each import reads the same file of generated ports, one process at a time. Times are medians of the
rounds; ratios are medians of each round's ratio. *Into memory* is CPU time without the
interpreter's start. *Into PostgreSQL* is the elapsed time of `manage.py import_ports`; psql copies
the rows that this import wrote. The second table has the time of each step, and its sum with all
steps above. The last sum is the whole import.
"""

ROUNDS = 5


def walk(file: Path) -> None:
    """Walk the file as ijson does by default."""
    with file.open("rb") as stream:
        for _ in ijson.kvitems(stream, "", use_float=True):
            pass


def fill(file: Path) -> None:
    """Import into a memory store."""
    with file.open("rb") as stream:
        import_ports(MemoryPortStore(encode), read_records(stream))


def bound(file: Path) -> None:
    """Read the bytes, bounded."""
    with file.open("rb") as stream:
        source = Source(stream)
        while source.read():
            source.records += 1


def read(file: Path) -> None:
    """Read the records."""
    with file.open("rb") as stream:
        deque(read_records(stream), 0)


def validate(file: Path) -> None:
    """Make ports of them."""
    with file.open("rb") as stream:
        deque(starmap(port_from_record, read_records(stream)), 0)


def prepare(file: Path) -> None:
    """Make their documents too."""
    with file.open("rb") as stream:
        deque(map(encode, starmap(port_from_record, read_records(stream))), 0)


STEPS = {
    "reading bytes up to the limit": bound,
    "reading records": read,
    "validating": validate,
    "encoding": prepare,
    "duplicates, entries, index, revision": fill,
}


def child(work: Callable[[Path], None], file: Path) -> float:
    """Return the CPU seconds of some work in a process of its own, less the interpreter's start."""
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(writer)
        with os.fdopen(reader) as said:
            seconds = float(said.read())
        os.waitpid(pid, 0)
        return seconds
    began = time.process_time()
    work(file)
    os.write(writer, str(time.process_time() - began).encode())
    os._exit(0)


def imported(url: str, file: Path) -> float:
    """Return the seconds of `manage.py import_ports` into an empty table."""
    empty(url)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "manage.py", "import_ports", str(file)],
        cwd=service.FOLDER,
        env=service.environment(PORTS_STORE_URL=url, LOG_LEVEL="error"),
        check=True,
    )
    return time.perf_counter() - began


def copied(psql: str, url: str, rows: Path) -> float:
    """Return the seconds of psql's COPY of the rows into the empty table."""
    empty(url)
    began = time.perf_counter()
    copy = f"\\copy port (id, document, name, country) FROM '{rows}'"
    subprocess.run([psql, "-q", "-d", url, "-c", copy], check=True)
    return time.perf_counter() - began


def empty(url: str) -> None:
    """Empty the table, as a fresh one is."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE port")
        connection.execute("UPDATE port_store SET ports = 0")
        connection.execute("CHECKPOINT")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-feed", description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=1_000_000)
    records = parser.parse_args().records
    names = ("ijson alone", "into memory", "psql COPY", "into PostgreSQL")
    times: dict[str, list[float]] = {name: [] for name in names}
    bill: dict[str, list[float]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory() as folder, postgres.cluster() as server:
        file, rows = Path(folder, "ports.json"), Path(folder, "ports.copy")
        psql = postgresql.program("psql", server.folder)
        generate.write(file, records)
        tables = postgres.tables(server.url)
        url = postgres.new_database(server.url, "ports_feed", tables)
        for number in tqdm(range(ROUNDS), "rounds", disable=None):
            for name, work in STEPS.items():
                if work is fill:  # what is compared is close together
                    times["ijson alone"].append(child(walk, file))
                bill[name].append(child(work, file))
            times["into memory"].append(bill[name][-1])  # the last step: all of it
            times["into PostgreSQL"].append(imported(url, file))
            if number == 0:
                out = f"\\copy port (id, document, name, country) TO '{rows}'"
                subprocess.run([psql, "-q", "-d", url, "-c", out], check=True)
            times["psql COPY"].append(copied(psql, url, rows))
    text = report.table(
        (f"{records:,} ports", "records/s", "ratio", "target, at least"),
        [
            ("ijson alone", _rate("ijson alone", times, records), "", ""),
            _compared("into memory", "ijson alone", times, records, 0.4),
            ("psql COPY", _rate("psql COPY", times, records), "", ""),
            _compared("into PostgreSQL", "psql COPY", times, records, 0.5),
        ],
    )
    steps = [statistics.median(found) for found in bill.values()]
    text += "\n\n" + report.table(
        ("into memory, CPU µs per record", "step", "with all above"),
        [
            (name, f"{(after - before) / records * 1e6:.2f}", f"{after / records * 1e6:.2f}")
            for name, (before, after) in zip(STEPS, pairwise([0.0, *steps]), strict=True)
        ],
    )
    print(text)
    report.write("feed", ABOUT, f"make bench-feed RECORDS={records}", text)
    return 0


def _rate(name: str, times: dict[str, list[float]], records: int) -> str:
    return f"{records / statistics.median(times[name]):,.0f}"


def _compared(
    name: str, other: str, times: dict[str, list[float]], records: int, wanted: float
) -> tuple[object, ...]:
    ratio = report.ratio(times[other], times[name])
    return name, _rate(name, times, records), f"{ratio:.2f} of {other}", wanted


if __name__ == "__main__":
    sys.exit(main())

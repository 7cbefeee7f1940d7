"""Counts what each part of a request costs, and writes the bill to docs/benchmarks.md.

One thread handles requests while the benchmark takes out one part after the other. callgrind counts
the instructions of each state, so the same code gives the same bill on any machine. Microseconds
are the counts in proportion to the CPU time that the whole takes without valgrind. `make bench`
measures the cost of the server around the application.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import contenders, report
from tests.bench.bill_child import STEPS
from tests.bench.contenders import OTLP, OWN_BIN
from tests.service import ROOT, environment

ABOUT = """
## What does each part of a request cost?

Valgrind counts instructions while the benchmark removes one part after the other, so the counts
hardly depend on the machine or the run. The benchmark measures the CPU time of the whole request
and divides it in proportion to the instructions. *Stock* is the service without the accelerator
(`TELEMETRY_FAST=off`).
"""

REST = "Django and Ninja: request, routing, validation, response"


WAYS = {"accelerated": "on", "stock": "off"}


def child(way: str, requests: int, *prefix: str, count: str = "") -> list[float]:
    """Run the child and return the CPU microseconds of a request by state."""
    said = subprocess.run(
        [*prefix, str(OWN_BIN / "python"), "-m", "tests.bench.bill_child", str(requests), count],
        cwd=ROOT,
        env=environment(**OTLP, TELEMETRY_FAST=WAYS[way]),
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        raise SystemExit(f"the measured process failed:\n{said.stderr[-3000:]}")
    found: list[float] = json.loads(said.stdout.splitlines()[-1])
    return found


def instructions(way: str, requests: int) -> list[float]:
    """Return the instructions of a request by state."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "dump")
        callgrind = ("valgrind", "-q", "--tool=callgrind", "--instr-atstart=no")
        child(way, requests, *callgrind, f"--callgrind-out-file={dump}", count="count")
        found = []
        for number in range(1, len(STEPS) + 3):
            total = re.search(r"^totals: (\d+)", Path(f"{dump}.{number}").read_text(), re.MULTILINE)
            assert total is not None
            found.append(int(total[1]) / requests)
    return found


def column(way: str, *, quick: bool) -> list[tuple[str, str, str]]:
    """Return instructions, microseconds and share of each part, of the whole, and of a 304."""
    known, *counts = instructions(way, 20 if quick else 200)
    whole = min(child(way, 300 if quick else 2000)[1] for _ in range(1 if quick else 5))
    parts = [one - other for one, other in zip(counts, [*counts[1:], 0.0], strict=True)]
    return [
        (f"{cost / 1000:,.0f}", f"{cost / counts[0] * whole:.0f}", f"{cost / counts[0]:.0%}")
        for cost in (*parts, counts[0], known)
    ]


def main() -> int:
    """Make the bill."""
    parser = argparse.ArgumentParser(prog="make bench-bill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer requests; not written")
    quick = parser.parse_args().quick
    for program in ("valgrind", "callgrind_control", "taskset"):
        if shutil.which(program) is None:
            parser.error(f"{program} is needed: apt-get install valgrind util-linux")
    with contenders.sink():
        columns = [column(way, quick=quick) for way in WAYS]
    parts = [
        *(name for name, _ in STEPS),
        REST,
        "whole application",
        "whole application, 304 response",
    ]
    rows = [(part, *first, *second) for part, first, second in zip(parts, *columns, strict=True)]
    figures = ("1,000 instructions", "µs of CPU", "share")
    head = ("part", *(f"{way}: {figure}" for way in WAYS for figure in figures))
    text = report.table(head, rows)
    print(text)
    if not quick:
        report.write("bill", ABOUT, "make bench-bill", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

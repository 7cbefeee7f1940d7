"""Counts what each part of a request costs, and writes the bill to docs/benchmarks.md.

One thread handles requests while parts are taken out one after the other; callgrind counts the
instructions of each state, so that the same code gives the same bill on any machine, however busy.
Microseconds are the counts in proportion to the CPU time that the whole takes without valgrind.
What the server around the application costs, `make bench` measures.
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
## What a request costs, item by item

Instructions are counted by valgrind while parts are taken out one after the other, so the counts
hardly depend on the machine or the run; microseconds are the counts in proportion to the measured
CPU time of the whole.
"""

REST = "Django and Ninja: request, routing, validation, response"


def child(requests: int, *prefix: str, count: str = "") -> list[float]:
    """Run the child and return the CPU microseconds of a request by state."""
    said = subprocess.run(
        [*prefix, str(OWN_BIN / "python"), "-m", "tests.bench.bill_child", str(requests), count],
        cwd=ROOT,
        env=environment(**OTLP),
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        raise SystemExit(f"the measured process failed:\n{said.stderr[-3000:]}")
    found: list[float] = json.loads(said.stdout.splitlines()[-1])
    return found


def instructions(requests: int) -> list[float]:
    """Return the instructions of a request by state."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "dump")
        callgrind = ("valgrind", "-q", "--tool=callgrind", "--instr-atstart=no")
        child(requests, *callgrind, f"--callgrind-out-file={dump}", count="count")
        found = []
        for number in range(1, len(STEPS) + 3):
            total = re.search(r"^totals: (\d+)", Path(f"{dump}.{number}").read_text(), re.MULTILINE)
            assert total is not None
            found.append(int(total[1]) / requests)
    return found


def main() -> int:
    """Make the bill."""
    parser = argparse.ArgumentParser(prog="make bench-bill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer requests; not written")
    quick = parser.parse_args().quick
    for program in ("valgrind", "callgrind_control", "taskset"):
        if shutil.which(program) is None:
            parser.error(f"{program} is needed: apt-get install valgrind util-linux")
    with contenders.sink():
        known, *counts = instructions(20 if quick else 200)
        whole = min(child(300 if quick else 2000)[1] for _ in range(1 if quick else 5))
    names = [*(name for name, _ in STEPS), REST]
    costs = [one - other for one, other in zip(counts, [*counts[1:], 0.0], strict=True)]
    rows = [
        (name, f"{cost / 1000:,.0f}", f"{cost / counts[0] * whole:.0f}", f"{cost / counts[0]:.0%}")
        for name, cost in zip(names, costs, strict=True)
    ]
    for name, count in (("all of the application", counts[0]), ("all of it for a 304", known)):
        share = count / counts[0]
        rows.append((name, f"{count / 1000:,.0f}", f"{share * whole:.0f}", f"{share:.0%}"))
    head = ("part", "1,000 instructions", "µs of CPU", "share of the application")
    text = report.table(head, rows)
    print(text)
    if not quick:
        report.write("bill", ABOUT, "make bench-bill", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

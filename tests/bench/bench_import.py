"""Imports generated files into PostgreSQL and prints rate and peak memory of the importing process.

Exits with 1 when the first file takes 200 MB or more, or a later one over 10 % more than the first.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import postgres, service
from tests.bench import generate

LIMIT_MB = 200
GROWTH = 1.1


def measure(url: str, file: Path) -> tuple[float, float]:
    """Import the file; return the seconds and the peak resident memory in MB that it took."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_ports", str(file)],
        cwd=service.FOLDER,
        env=service.environment(PORTS_STORE_URL=url),
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import of {file} failed with status {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="*", default=[1_000_000, 5_000_000])
    sizes = parser.parse_args().records
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder, postgres.cluster() as server:
        for records in sizes:
            file = Path(folder) / "ports.json"
            generate.write(file, records)
            tables = postgres.tables(server.url)
            url = postgres.new_database(server.url, "ports_bench", tables)
            seconds, peak = measure(url, file)
            peaks.append(peak)
            print(
                f"{records:>9,} ports, {file.stat().st_size / 1e6:,.0f} MB: {seconds:.1f} s,"
                f" {records / seconds:,.0f} records/s, peak RSS {peak:.1f} MB"
                f" ({peak / peaks[0]:.2f} of the first)",
                flush=True,
            )
    return int(peaks[0] >= LIMIT_MB or max(peaks) > GROWTH * peaks[0])


if __name__ == "__main__":
    sys.exit(main())

"""Measure the figures of `platform/sizing` again: `python -m tests.size`, ten minutes."""

import sys
import tempfile
from pathlib import Path

from tests import service
from tests.size import loaded, logs, pipeline

SERIES = (10_000, 40_000)
REQUESTS = (2_000, 10_000)


def main() -> int:
    """Print the measurements, and what one series, span and byte of log lines add."""
    with tempfile.TemporaryDirectory() as folder, service.running(Path(folder)) as running:
        exposition = running.client.get("/metrics").text
    small, large = (_loaded(exposition, series) for series in SERIES)
    each = (large.resident - small.resident) / (large.series - small.series)
    print(f"memory of a series: {each:.0f} B")
    print(f"memory without series: {small.resident - each * small.series:.0f} B")
    for used in (small, large):
        print(f"index of a series: {used.index / used.series:.0f} B")
        print(f"write-ahead log of a sample: {used.wal / used.samples:.2f} B")
    few, many = (_piped(requests) for requests in REQUESTS)
    spans = many.spans - few.spans
    lines = many.line_bytes - few.line_bytes
    print(f"disk of a span: {(many.disk['jaeger'] - few.disk['jaeger']) / spans:.0f} B")
    print(f"disk of a byte of logs: {(many.disk['loki'] - few.disk['loki']) / lines:.2f} B")
    print(f"log lines of a request: {lines / (many.requests - few.requests):.0f} B")
    with tempfile.TemporaryDirectory() as folder:
        print(logs.measure(Path(folder)))
    return 0


def _loaded(exposition: str, series: int) -> loaded.Used:
    with tempfile.TemporaryDirectory() as folder:
        used = loaded.measure(Path(folder), exposition, series)
    print(used)
    return used


def _piped(requests: int) -> pipeline.Seen:
    with tempfile.TemporaryDirectory() as folder:
        seen = pipeline.measure(Path(folder), requests)
    print(seen)
    return seen


if __name__ == "__main__":
    sys.exit(main())

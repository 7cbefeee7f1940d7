"""A real Prometheus that scrapes as many series as asked for, and figures of its memory and disk.

The targets expose the text of a real `/metrics`: names, labels and buckets of the service. A fifth
of the series grows at each scrape. The rest stays, as where most routes and statuses are idle.
Samples carry times that are 15 s apart, so that two minutes of scrapes are half an hour of data.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from stack import values
from stack.prometheus import flags
from tqdm import tqdm

from tests.platform.slo.real import Prometheus, prometheus, run, tool
from tests.support import exposition, listeners

SCRAPES = 130
"""Samples of each series: more than a chunk of 120, so that full chunks leave the memory."""

GROWING = 5  # each fifth series
STEP_SECONDS = 15


@dataclass(frozen=True)
class Used:
    """Use of one Prometheus."""

    series: int
    samples: int
    resident: int
    """Largest resident memory over the last third of the scrapes, bytes."""

    wal: int
    index: int
    """Bytes of the index of a block."""


def pages(exposition: str) -> list[bytes]:
    """Return the bodies of successive scrapes."""
    lines = [line for line in exposition.splitlines() if line and not line.startswith("#")]
    split = [(name, value) for name, _, value in (line.rpartition(" ") for line in lines)]
    begin = time.time() - SCRAPES * STEP_SECONDS
    return [_page(split, scrape, begin) for scrape in range(SCRAPES)]


def _page(split: list[tuple[str, str]], scrape: int, begin: float) -> bytes:
    """Return the text of one scrape, with the time that its samples have."""
    at = round((begin + scrape * STEP_SECONDS) * 1000)
    values = (
        float(value) + scrape * (1 + number % 7) if number % GROWING == 0 else value
        for number, (_, value) in enumerate(split)
    )
    lines = (f"{name} {value} {at}\n" for (name, _), value in zip(split, values, strict=True))
    return "".join(lines).encode()


@contextmanager
def serving(bodies: list[bytes]) -> Iterator[int]:
    """Serve the pages, each target the one of its own scrape; yield the port."""
    asked: dict[str, int] = {}

    def page(path: str) -> bytes:
        number = asked.get(path, 0)
        asked[path] = number + 1
        return bodies[min(number, len(bodies) - 1)]

    with exposition.exposing(page) as port:
        yield port


def config(port: int, targets: int) -> str:
    """Return a configuration with so many targets, labeled as pods are.

    A scrape that comes late has a gap in the times of its samples, which costs bytes.
    """
    seconds = 1 + targets // 40
    jobs = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "__metrics_path__": f"/{number}",
                "namespace": f"service-{number // 3}-prod",
                "pod": f"service-{number // 3}-7d4b9c8f5d-{number:05d}",
                "container": "server",
                "endpoint": "metrics",
                "service": f"service-{number // 3}",
                "instance": f"10.0.{number // 256}.{number % 256}:9090",
                "service_name": f"service-{number // 3}",
                "deployment_environment_name": "prod",
            },
        }
        for number in range(targets)
    ]
    job = {"job_name": "services", "scrape_interval": f"{seconds}s", "static_configs": jobs}
    return json.dumps({"scrape_configs": [job]})


def measure(folder: Path, exposition: str, series: int, *, shown: bool = True) -> Used:
    """Load a Prometheus with about so many series, and return what it uses."""
    bodies = pages(exposition)
    each = bodies[0].count(b"\n") + 8  # and the series that Prometheus adds to a target
    targets = round(series / each)
    spec = values.prometheus()["prometheus"]["prometheusSpec"]
    own = [flag for flag in flags(spec) if "retention" not in flag]
    with (
        serving(bodies) as port,
        prometheus(folder, config(port, targets), *own, "--web.enable-admin-api") as server,
    ):
        return _measured(folder, server, shown=shown)


def _measured(folder: Path, server: Prometheus, *, shown: bool) -> Used:
    process = listeners.on(httpx.URL(server.url).port or 0)
    resident: list[int] = []
    progress = tqdm(total=SCRAPES, unit=" scrapes", disable=not shown)
    scrapes = 0.0
    while scrapes < SCRAPES:
        time.sleep(1)
        resident.append(process.memory_info().rss)
        found = server.query("max(count_over_time(up[1h]))", time.time())
        scrapes = found[0][1] if found else 0.0
        progress.update(scrapes - progress.n)
    progress.close()
    status = httpx.get(f"{server.url}/api/v1/status/tsdb", timeout=60).json()["data"]["headStats"]
    wal = sum(file.stat().st_size for file in (folder / "data/wal").rglob("*") if file.is_file())
    snapshot = httpx.post(f"{server.url}/api/v1/admin/tsdb/snapshot", timeout=120)
    block = folder / "data/snapshots" / snapshot.json()["data"]["name"]
    (meta,) = block.glob("*/meta.json")
    stats = json.loads(meta.read_text())["stats"]
    size = {file.name: file.stat().st_size for file in meta.parent.rglob("*") if file.is_file()}
    last = resident[-len(resident) // 3 :]
    return Used(status["numSeries"], stats["numSamples"], max(last), wal, size["index"])


def block(folder: Path, exposition: str, pods: int, scrapes: int) -> tuple[int, int]:
    """Make a block of so many pods and scrapes; return its samples, and the bytes of its chunks."""
    lines = [line for line in exposition.splitlines() if line and not line.startswith("#")]
    text = folder / "samples.txt"
    begin = 1_700_000_000 // 7200 * 7200
    with text.open("w") as out:
        for pod in range(pods):
            for number, line in enumerate(lines):
                name, value = _labeled(line, f"pod-{pod}")
                for scrape in range(scrapes):
                    grown = scrape * (1 + number % 7) if number % GROWING == 0 else 0
                    at = begin + scrape * STEP_SECONDS
                    out.write(f"{name} {float(value) + grown} {at}\n")
        out.write("# EOF\n")
    run(tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder))
    (meta,) = folder.glob("*/meta.json")
    stats = json.loads(meta.read_text())["stats"]
    chunks = sum(file.stat().st_size for file in (meta.parent / "chunks").iterdir())
    return stats["numSamples"], chunks


def _labeled(line: str, pod: str) -> tuple[str, str]:
    series, _, value = line.rpartition(" ")
    name, brace, labels = series.partition("{")
    return f'{name}{{pod="{pod}"{"," + labels if brace else "}"}', value

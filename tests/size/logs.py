"""Loki of the profile `scaled` under log lines, and the memory and objects of its processes."""

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

from sizing import figures
from tqdm import tqdm

from tests.backends.loki import INGESTERS, loki
from tests.support.object_store import object_store

SECONDS = 60
BYTES_PER_SECOND = (
    figures.MEASURED_SPANS.value / figures.REQUEST_SPANS.value * figures.REQUEST_LOG.value
)
BATCH = 200
PORTS = ("AEAJM", "AEAUH", "AEDXB", "DEHAM", "NLRTM", "SGSIN", "USNYC", "XXXXX")


@dataclass(frozen=True)
class Seen:
    """Memory and objects of one run.

    Attributes:
        busy: Largest resident memory of each process, bytes.
        stored: Bytes of objects, per byte of log lines.
    """

    busy: dict[str, int]
    stored: float


def measure(folder: Path) -> Seen:
    """Push lines for a minute, at the rate at which the other profiles were measured."""
    source = random.Random(1)  # noqa: S311 - lines that compress as those of requests do
    sent, began = 0, time.monotonic()
    with object_store(folder, "logs") as store, loki(folder, store) as running:
        busy = running.resident()
        began = time.monotonic()
        with tqdm(total=SECONDS, unit=" s", bar_format="{l_bar}{bar}") as progress:
            while (now := time.monotonic() - began) < SECONDS:
                progress.update(now - progress.n)
                lines = [_line(source) for _ in range(BATCH)]
                running.push(lines)
                sent += sum(map(len, lines))
                busy = {name: max(busy[name], now) for name, now in running.resident().items()}
                time.sleep(max(0, began + sent / BYTES_PER_SECOND - time.monotonic()))
        for name in INGESTERS:
            running.stop(name)  # writes what is in its memory
        stored = sum(each.stat().st_size for each in store.bucket.rglob("*") if each.is_file())
    return Seen(busy, stored / sent)


def _line(source: random.Random) -> str:
    """Return a line with the fields of an access line of the service."""
    return json.dumps(
        {
            "event": "http.request",
            "level": "info",
            "service": "ports",
            "trace_id": f"{source.getrandbits(128):032x}",
            "span_id": f"{source.getrandbits(64):016x}",
            "request_id": f"{source.getrandbits(128):032x}",
            "http.request.method": "GET",
            "http.route": "/ports/{unlocode}",
            "url.path": f"/ports/{source.choice(PORTS)}",
            "http.response.status_code": 200,
            "duration_seconds": round(source.random() / 100, 6),
            "client.address": f"10.0.0.{source.randrange(256)}",
            "user_agent.original": "python-httpx/0.28.1",
        }
    )

"""Pods whose first requests fail before their first scrape, scraped as production scrapes them.

promtool's import knows no created timestamps, so that Prometheus itself takes these samples: from
pages of OpenMetrics with the times of the history, one page after another in seconds.
"""

import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
from telemetry import names

from tests.platform.slo.real import features, prometheus
from tests.support.harness import wait_for

SCRAPES = 40
"""How often each pod is scraped before it is replaced."""

EVERY, DAY = 15, 86_400
TWICE = 2
FAILURES, GOOD = 1000, 20


def take(folder: Path, environment: str, births: list[float]) -> tuple[int, int]:
    """Put the samples of pods into a folder's data.

    Args:
        folder: Of the history.
        environment: Where the pods are.
        births: When each pod is scraped for the first time, after it failed `FAILURES` requests.

    Returns:
        How many requests there were in all, and how many of them failed.
    """
    scratch = folder / "newborn"
    scratch.mkdir()
    dice = random.Random(environment)  # noqa: S311  # dice
    created = [birth - dice.uniform(1, EVERY) for birth in births]
    pages = [
        "".join(
            _pod(environment, f"pod-{pod}", index, *times)
            for pod, times in enumerate(zip(births, created, strict=True))
        )
        for index in range(SCRAPES)
    ]
    with _serving(pages) as (port, asked):
        job = {
            "job_name": "pods",
            "honor_labels": True,
            "scrape_interval": "100ms",
            "scrape_timeout": "100ms",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
        config = json.dumps({"scrape_configs": [job]})
        flags = (
            f"--enable-feature={','.join(features())}",
            "--web.enable-admin-api",
            # One block for all times, so that none is too old.
            "--storage.tsdb.min-block-duration=20000d",
            "--storage.tsdb.max-block-duration=20000d",
        )
        with prometheus(scratch, config, *flags) as server:
            wait_for("all pages are scraped", lambda: asked() > TWICE * len(pages) + 1)
            counted = f"sum(count_over_time({names.HTTP_SERVER_DURATION}_count[1d]))"
            taken = [server.query(counted, birth + DAY / 2) for birth in births]
            # Of each status, the zero at the time of creation too.
            assert [value for [(_, value)] in taken] == [2 * (SCRAPES + 1)] * len(births)
            httpx.post(f"{server.url}/api/v1/admin/tsdb/snapshot").raise_for_status()
    for block in (scratch / "data/snapshots").glob("*/*"):
        shutil.move(block, folder / "data")
    shutil.rmtree(scratch)
    return len(births) * (FAILURES + GOOD * SCRAPES), len(births) * FAILURES


def _pod(environment: str, pod: str, index: int, birth: float, created: float) -> str:
    """Write what one pod exposes at its scrape of this number."""
    name = names.HTTP_SERVER_DURATION
    text = f"# TYPE {name} histogram\n" if pod == "pod-0" else ""
    for status, count in (("200", GOOD * (index + 1)), ("500", FAILURES)):
        labels = {
            names.SERVICE_NAME: "ports",
            names.ENVIRONMENT: environment,
            "instance": pod,
            names.HTTP_METHOD: "GET",
            names.HTTP_ROUTE: "/ports",
            names.HTTP_STATUS: status,
        }
        own = ",".join(f'{key}="{value}"' for key, value in labels.items())
        at = f"{birth + index * EVERY:.3f}"
        for bound in ("0.1", "+Inf"):
            text += f'{name}_bucket{{{own},le="{bound}"}} {count} {at}\n'
        text += f"{name}_count{{{own}}} {count} {at}\n{name}_created{{{own}}} {created:.3f} {at}\n"
    return text


@contextmanager
def _serving(pages: list[str]) -> Iterator[tuple[int, Callable[[], int]]]:
    """Serve one page after another, then the last; tell port, and how often one was asked for.

    Each is served twice, because a scrape may exceed its timeout on a busy machine.
    """
    served = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal served
            body = (pages[min(served // TWICE, len(pages) - 1)] + "# EOF\n").encode()
            served += 1
            self.send_response(200)
            self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of a scrape that timed out."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, lambda: served
        finally:
            server.shutdown()
            thread.join()

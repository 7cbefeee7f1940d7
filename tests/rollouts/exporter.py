"""Metrics of the pods of ports, which kwok pretends: a stand-in for the service's own listener.

Every pod of a version serves the same traffic. Its counters grow with the time between two scrapes,
so that a pod that nobody scrapes counts nothing.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from telemetry import names

from tests.service import free_port

BOUND: Final = "0.1"
PATH: Final = "/pods/"


@dataclass(frozen=True)
class Traffic:
    """Requests a second of one pod, and the shares of them that fail and that take too long."""

    requests: float = 100
    failed: float = 0
    slow: float = 0


@dataclass
class Exporter:
    """Traffic by the pod-template hash in the pods' names, and the counters of each pod."""

    port: int
    # Of versions that are not in `traffic`.
    default: Traffic = field(default_factory=Traffic)
    traffic: dict[str, Traffic] = field(default_factory=dict)
    _counted: dict[str, tuple[float, list[float]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def exposition(self, pod: str) -> str:
        """Count what came since the pod's last scrape, and print its counters."""
        traffic = self.traffic.get(pod.rsplit("-", 2)[1], self.default)
        with self._lock:
            now = time.monotonic()
            before, counts = self._counted.get(pod, (now, [0.0, 0.0, 0.0]))
            requests = traffic.requests * (now - before)
            failed, slow = requests * traffic.failed, requests * traffic.slow
            fine = requests - failed
            counts = [
                old + new for old, new in zip(counts, (fine, failed, fine - slow), strict=True)
            ]
            self._counted[pod] = now, counts
        name, route = names.HTTP_SERVER_DURATION, f'{names.HTTP_ROUTE}="/ports"'
        ok, bad = (f'{{{route},{names.HTTP_STATUS}="{code}"' for code in ("200", "500"))
        return (
            f"# TYPE {name} histogram\n"
            f'{name}_bucket{ok},le="{BOUND}"}} {counts[2]}\n'
            f'{name}_bucket{ok},le="+Inf"}} {counts[0]}\n'
            f"{name}_count{ok}}} {counts[0]}\n{name}_sum{ok}}} 0\n"
            f'{name}_bucket{bad},le="{BOUND}"}} 0\n'
            f'{name}_bucket{bad},le="+Inf"}} {counts[1]}\n'
            f"{name}_count{bad}}} {counts[1]}\n{name}_sum{bad}}} 0\n"
        )


@contextmanager
def exporting() -> Iterator[Exporter]:
    """Serve the counters while the block runs."""
    exporter = Exporter(free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.exposition(self.path.removeprefix(PATH)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", exporter.port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Real processes for the tests: gunicorn serving the little app, and an OTLP receiver."""

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psutil
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.service import free_port

APP = Path(__file__).parent / "harbour"
DEADLINE_SECONDS = 60.0
QUIT_SECONDS = 5
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


T = TypeVar("T")


def wait_for(what: str, probe: Callable[[], T | None]) -> T:
    """Poll until the probe returns something true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not happen within {DEADLINE_SECONDS} s")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    port: int,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    timeout: float = 30,
    host: str = "127.0.0.1",
) -> Answer:
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(exposition: str) -> dict[Sample, float]:
    """Return every sample of an exposition by its name and sorted labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


class Server:
    """gunicorn with the little app, in a process group of its own."""

    def __init__(
        self, directory: Path, *, descriptors: int | None = None, **environment: str
    ) -> None:
        self.port = free_port()
        # As a shell sets it: the limit is then there before anything of ours runs.
        limit = ("sh", "-c", f'ulimit -n {descriptors} && exec "$@"', "sh") if descriptors else ()
        self._command = [*limit, sys.executable, "-m", "service.gunicorn"]
        self.log = directory / f"server-{self.port}.log"
        self._environment = environment
        self.metrics_port = int(environment.get("METRICS_PORT", "0"))

    def start(self) -> "Server":
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OTEL_", "LOG_", "PROMETHEUS_", "DJANGO_"))
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=APP,
                env=inherited | {"PORT": str(self.port)} | self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            wait_for("/ready says 200", self._is_ready)
        except BaseException:
            self.kill()
            raise
        return self

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"gunicorn ended: {self.log.read_text()}")
        try:
            return self.get("/ready").status == 200
        except OSError:
            return False

    def get(self, path: str, **arguments: Any) -> Answer:
        return request(self.port, path, **arguments)

    def scrape(self) -> dict[Sample, float]:
        return samples(request(self.metrics_port or self.port, "/metrics").body.decode())

    def counted(self, exposition: dict[Sample, float] | None = None, **labels: str) -> float:
        """Return how many requests with these labels the HTTP duration has counted."""
        wanted = set(labels.items())
        return sum(
            value
            for (name, found), value in (exposition or self.scrape()).items()
            if name == "http_server_request_duration_seconds_count" and wanted <= set(found)
        )

    def lines(self) -> list[dict[str, Any]]:
        """Return every log line; each must be a JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == event]

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """Stop as a supervisor does, and return the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)

    def quit(self) -> None:
        """Stop at once, but let the processes end themselves, so that their coverage is kept."""
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            self.signal(signal.SIGQUIT)
            self.process.wait(QUIT_SECONDS)
        self.kill()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)


@contextmanager
def serving(
    directory: Path, *, descriptors: int | None = None, **environment: str
) -> Iterator[Server]:
    server = Server(directory, descriptors=descriptors, **environment).start()
    try:
        yield server
    finally:
        server.quit()


@dataclass
class Receiver:
    """An OTLP/HTTP receiver that decodes what it gets; it can be slow, or gone."""

    port: int = field(default_factory=free_port)
    answering: bool = True
    endless: bool = False  # the bodies of its answers
    rejected: int = 0  # spans of each request, as its answers say

    def __post_init__(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self._server: ThreadingHTTPServer | None = None
        self._release = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        }

    def up(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if not receiver.answering:
                    receiver._release.wait(DEADLINE_SECONDS)
                    self.close_connection = True
                    return
                answer = receiver._take(self.path, body)
                if receiver.endless:
                    self._answer_without_end()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _answer_without_end(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                with suppress(OSError):  # until it is cut
                    while receiver.endless:
                        self.wfile.write(bytes(1 << 20))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _take(self, path: str, body: bytes) -> bytes:
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = self.rejected
            answer.partial_success.error_message = "too old" if self.rejected else ""
            return bytes(answer.SerializeToString())
        assert path == "/v1/metrics"
        self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        return bytes(ExportMetricsServiceResponse().SerializeToString())

    def answer(self, *, answering: bool) -> None:
        """Answer from now on, or accept and never answer."""
        self.answering = answering
        self._release.set() if answering else self._release.clear()

    def down(self) -> None:
        self.endless = False
        self._release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def spans(self) -> list[Any]:
        return [
            span
            for export in list(self.traces)
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def instances(self) -> set[str]:
        """Return the service.instance.id of all that sent metrics."""
        return {
            attribute.value.string_value
            for export in list(self.metrics)
            for resource in export.resource_metrics
            for attribute in resource.resource.attributes
            if attribute.key == "service.instance.id"
        }

    def metric_names(self) -> set[str]:
        """Return the names of the metrics that came."""
        return {
            metric.name
            for export in list(self.metrics)
            for resource in export.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def histogram_counts(self, name: str) -> Counter[str]:
        """Return per route the last cumulative count of each instance, summed."""
        last: dict[tuple[str, frozenset[tuple[str, str]]], tuple[str, int]] = {}
        for export in list(self.metrics):
            for resource in export.resource_metrics:
                instance = next(
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.instance.id"
                )
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name != name:
                            continue
                        for point in metric.exponential_histogram.data_points:
                            labels = {a.key: str(a.value) for a in point.attributes}
                            route = next(
                                (
                                    a.value.string_value
                                    for a in point.attributes
                                    if a.key == "http.route"
                                ),
                                "",
                            )
                            key = (instance, frozenset(labels.items()))
                            last[key] = (route, point.count)
        counts: Counter[str] = Counter()
        for route, count in last.values():
            counts[route] += count
        return counts


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of a span, event or resource as plain values."""
    found = {}
    for attribute in holder.attributes:
        kind = attribute.value.WhichOneof("value")
        found[attribute.key] = getattr(attribute.value, kind)
    return found


def tree(spans: list[Any]) -> list[dict[str, Any]]:
    """Return whole span trees: all that a span says of itself, its children within it, in order.

    Ids and times differ from run to run: each time must lie within its parent's instead.
    """
    known = {span.span_id for span in spans}

    def whole(span: Any) -> dict[str, Any]:
        children = sorted(
            (child for child in spans if child.parent_span_id == span.span_id),
            key=lambda child: child.start_time_unix_nano,
        )
        for child in children:
            assert child.trace_id == span.trace_id
            assert span.start_time_unix_nano <= child.start_time_unix_nano
            assert child.end_time_unix_nano <= span.end_time_unix_nano
        return {
            "name": span.name,
            "kind": span.SpanKind.Name(span.kind),
            "attributes": {
                # The client's own end of the connection is another each time.
                name: value
                for name, value in attributes(span).items()
                if name != "client.port"
            },
            "status": span.status.code,
            "events": [(event.name, attributes(event)) for event in span.events],
            "links": len(span.links),
            "children": [whole(child) for child in children],
        }

    roots = [span for span in spans if span.parent_span_id not in known]
    return [whole(root) for root in sorted(roots, key=lambda root: root.start_time_unix_nano)]


@dataclass
class Load:
    """Clients that ask again and again, each on connections of its own."""

    port: int
    clients: int
    path: str = "/ports/AEAJM"
    requests_each: int | None = None
    keep_alive: bool = False
    pause_seconds: float = 0.0  # between two requests of a client
    host: str = "127.0.0.1"
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.completed: Counter[int] = Counter()
        self.request_ids: list[str] = []
        self.latencies: list[float] = []
        self.refused = 0  # no connection at all
        self.reset_before = 0  # before any byte of a response
        self.broken = 0  # in the middle of a response
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.clients)]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> "Load":
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)
            assert not thread.is_alive(), "a client hangs"
        return self

    def _ask(self) -> None:
        left = self.requests_each
        connection: http.client.HTTPConnection | None = None
        while not self.stop.is_set() and left != 0:
            if left is not None:
                left -= 1
            if connection is None:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
            outcome = self._one(connection)
            time.sleep(self.pause_seconds)
            if outcome != "completed" or not self.keep_alive:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _one(self, connection: http.client.HTTPConnection) -> str:
        started = time.monotonic()
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            with self._lock:
                self.refused += 1
            return "refused"
        try:
            connection.request("GET", self.path)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.reset_before += 1
            return "reset"
        try:
            response.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.broken += 1
            return "broken"
        with self._lock:
            self.completed[response.status] += 1
            self.latencies.append(time.monotonic() - started)
            self.request_ids.append(response.headers["X-Request-ID"])
        if response.will_close:
            connection.close()
        return "completed"

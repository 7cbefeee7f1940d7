"""Answers of a Collector: a real server on this machine, through the exporters' session."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import structlog
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from telemetry import collector, names

Lines = list[MutableMapping[str, Any]]
Answer = Callable[[BaseHTTPRequestHandler], None]


class Collector:
    """Answers each request in the way that it is told."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()
        self.sent = 0  # bytes of bodies
        self.accepted: list[str | None] = []
        self.answer: Answer = whole(b"")
        own = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                own.connections.add(self.client_address)
                own.accepted.append(self.headers["Accept-Encoding"])
                with suppress(OSError):  # who asked may go away
                    own.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def write(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        handler.wfile.write(data)
        self.sent += len(data)


def head(handler: BaseHTTPRequestHandler, status: int = 200, **fields: str) -> None:
    handler.send_response(status)
    for name, value in {"Content_Type": "application/x-protobuf", **fields}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def whole(body: bytes, status: int = 200, **fields: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, status, Content_Length=str(len(body)), **fields)
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def lines() -> Iterator[Lines]:
    with structlog.testing.capture_logs() as captured:
        yield captured


def post(server: Collector, timeout: float = 5) -> int:
    with collector.session() as session:
        answer = session.post(server.url, data=b"spans", timeout=timeout)
    assert len(answer.content) <= collector.MAX_BYTES
    return answer.status_code


@pytest.mark.parametrize("framing", ["length", "chunks", "until the end"])
@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_without_end_is_cut_at_its_bound(
    server: Collector, lines: Lines, framing: str, status: int
) -> None:
    fields = {
        "length": {"Content_Length": str(1 << 40)},
        "chunks": {"Transfer_Encoding": "chunked"},
        "until the end": {"Connection": "close"},
    }[framing]
    block = bytes(1 << 16)
    piece = b"10000\r\n%b\r\n" % block if framing == "chunks" else block

    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, status, **fields)
        while True:
            server.write(handler, piece)

    server.answer = answer
    assert post(server) == status
    (line,) = lines
    assert line == {
        "event": names.COLLECTOR_EVENT,
        "log_level": "warning",
        "to": "127.0.0.1/v1/traces",
        "rejected": 0,
        "reason": "the answer is longer than 65536 bytes",
    }
    time.sleep(0.2)
    stopped_at = server.sent
    time.sleep(0.2)
    assert server.sent == stopped_at < 64 << 20, "the connection is still read"


def test_an_answer_that_comes_byte_by_byte_is_cut_at_the_timeout(
    server: Collector, lines: Lines
) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, Content_Length="1000")
        for _ in range(1000):
            server.write(handler, b"x")
            time.sleep(0.05)

    server.answer = answer
    began = time.monotonic()
    assert post(server, timeout=0.5) == 200
    assert 0.4 < time.monotonic() - began < 3
    assert [line["reason"] for line in lines] == ["the answer takes longer than the timeout"]


def test_an_answer_that_breaks_off_counts_by_its_status(server: Collector, lines: Lines) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, Content_Length="1000")
        handler.wfile.write(b"x")
        handler.close_connection = True

    server.answer = answer
    assert post(server) == 200
    (line,) = lines
    assert "IncompleteRead" in line["reason"]


def test_a_small_answer_that_unpacks_to_a_large_one_is_neither_asked_for_nor_unpacked(
    server: Collector, lines: Lines
) -> None:
    server.answer = whole(gzip.compress(bytes(1 << 24)), Content_Encoding="gzip")
    assert post(server) == 200
    assert server.accepted == ["identity"]
    assert lines == []


def partial(message: str, **rejected: int) -> bytes:
    kind = ExportMetricsServiceResponse if "rejected_data_points" in rejected else None
    made: Any = (kind or ExportTraceServiceResponse)()
    made.partial_success.error_message = message
    for name, number in rejected.items():
        setattr(made.partial_success, name, number)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize(
    ("body", "rejected", "reason"),
    [
        (partial("too old", rejected_spans=3), 3, "too old"),
        (partial("too many series", rejected_data_points=7), 7, "too many series"),
        (partial("", rejected_spans=1), 1, ""),
        (partial("please send less"), 0, "please send less"),
        (partial("x" * 9000, rejected_spans=1), 1, "x" * 200),
    ],
)
def test_a_partial_success_is_a_line(
    server: Collector, lines: Lines, body: bytes, rejected: int, reason: str
) -> None:
    server.answer = whole(body)
    assert post(server) == 200
    (line,) = lines
    assert (line["event"], line["rejected"], line["reason"]) == (
        names.COLLECTOR_EVENT,
        rejected,
        reason,
    )


@pytest.mark.parametrize(
    "answer",
    [
        whole(b""),
        whole(partial("")),
        whole(b"\xff\xff nonsense"),
        whole(partial("not of ours", rejected_spans=1), Content_Type="text/plain"),
        whole(partial("the exporter says it", rejected_spans=1), status=400),
    ],
    ids=["empty", "whole success", "nonsense", "another type", "an error"],
)
def test_a_complete_success_logs_no_line(server: Collector, lines: Lines, answer: Answer) -> None:
    server.answer = answer
    post(server)
    assert lines == []


def test_a_connection_is_kept_for_the_next_request(server: Collector) -> None:
    server.answer = whole(partial("no", rejected_spans=1))
    with collector.session() as session:
        for _ in range(3):
            assert session.post(server.url, data=b"spans", timeout=5).ok
    assert len(server.connections) == 1


def test_an_address_is_told_without_its_password(server: Collector, lines: Lines) -> None:
    server.answer = whole(partial("no", rejected_spans=1))
    url = server.url.replace("127.0.0.1", "user:hunter2@127.0.0.1") + "?token=hunter3"
    with collector.session() as session:
        session.post(url, data=b"spans", timeout=5)
    assert "hunter" not in str(lines)

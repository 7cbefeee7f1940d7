"""Clients that send half a request: no thread waits for the other half."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import Server, request, wait_for

WHOLE = b"GET /ports/AEAJM HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIVE = WHOLE.replace(b"/ports/AEAJM", b"/live")
UNREAD = WHOLE.replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\n")
# The bytes that are sent first, and the answer of the server.
HALVES = {
    "one letter": (b"G", b""),
    "request line": (b"GET /ports HTTP/1.1\r\nX: ", b""),
    "probe": (b"GET /live HTTP/1.1\r\nHost: localhost\r\n", b""),
    "second request": (WHOLE + WHOLE[:20], b"HTTP/1.1 200"),
    "body that nobody reads": (UNREAD, b"HTTP/1.1 200"),
}
CLIENTS = 12
PROBE_SECONDS = 3.0


@pytest.fixture(scope="module")
def two_threads(serve_in_module: Callable[..., Server]) -> Iterator[Server]:
    """A server of two threads that waits ten seconds for its clients, and survives them."""
    server = serve_in_module(THREADS="2", METRICS_PORT=str(free_port()))
    workers = server.workers()
    yield server
    assert server.workers() == workers
    assert {line["level"] for line in server.lines()} <= {"info", "warning"}


def connected(stack: ExitStack, port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    stack.enter_context(connection).sendall(sent)
    return connection


def received(connection: socket.socket, end: bytes = b"\r\n0\r\n\r\n") -> bytes:
    """Return what comes until the end of a chunked answer has come, or the connection has ended."""
    answer = b""
    while not answer.endswith(end) and (data := connection.recv(65536)):
        answer += data
    return answer


@pytest.mark.parametrize("half", HALVES)
def test_half_sent_requests_block_no_thread_and_no_probe(two_threads: Server, half: str) -> None:
    sent, answered = HALVES[half]
    with ExitStack() as stack:
        halves = [connected(stack, two_threads.port, sent) for _ in range(CLIENTS)]
        for connection in halves:
            assert connection.recv(65536).startswith(answered) if answered else True
        for path in ("/ports/AEAJM", "/live", "/slow?seconds=0"):
            began = time.monotonic()
            assert request(two_threads.port, path).status == 200
            assert time.monotonic() - began < PROBE_SECONDS, path


@pytest.mark.parametrize("cut", range(1, len(WHOLE), 7))
def test_a_head_in_two_parts_is_read_as_one(two_threads: Server, cut: int) -> None:
    with ExitStack() as stack:
        connection = connected(stack, two_threads.port, WHOLE[:cut])
        time.sleep(0.02)
        connection.sendall(WHOLE[cut:])
        assert received(connection).startswith(b"HTTP/1.1 200")


def test_a_head_byte_by_byte_behind_another_request_is_read_whole(two_threads: Server) -> None:
    with ExitStack() as stack:
        connection = connected(stack, two_threads.port, WHOLE + WHOLE[:9])
        assert received(connection).count(b"HTTP/1.1 200") == 1
        for byte in WHOLE[9:] + WHOLE:
            connection.sendall(bytes((byte,)))
            time.sleep(0.001)
        answers = received(connection)
        while answers.count(b"HTTP/1.1 200") < 2:
            answers += received(connection)


def test_the_wait_for_a_head_is_no_latency_of_the_service(two_threads: Server) -> None:
    with ExitStack() as stack:
        connection = connected(stack, two_threads.port, b"GET /ports/LATE HTTP/1.1\r\n")
        time.sleep(0.5)
        connection.sendall(b"Host: localhost\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 200")
    access = names.ACCESS_EVENT
    (line,) = wait_for(
        "its line",
        lambda: [each for each in two_threads.events(access) if each["path"] == "/ports/LATE"],
    )
    assert line["duration_ms"] < 400


def test_an_endless_head_is_refused_at_its_limit(two_threads: Server) -> None:
    with ExitStack() as stack:
        connection = connected(stack, two_threads.port, b"GET / HTTP/1.1\r\n")
        time.sleep(0.02)
        connection.sendall(b"X: 012345678901234567890123456789\r\n" * 1024)
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_half_a_head_and_no_more_is_no_request(two_threads: Server) -> None:
    with ExitStack() as stack:
        connection = connected(stack, two_threads.port, b"GET /ports HT")
        time.sleep(0.02)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""


def test_the_end_of_the_worker_does_not_wait_for_half_a_head(
    serve: Callable[..., Server],
) -> None:
    server = serve(THREADS="2", GRACEFUL_SECONDS="20")
    with ExitStack() as stack:
        connection = connected(stack, server.port, b"GET /ports HT")
        assert server.get("/live").status == 200
        server.signal(signal.SIGTERM)
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        connection.close()
        assert server.process.wait(5) == 0

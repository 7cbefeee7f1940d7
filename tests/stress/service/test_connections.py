"""More connections than there is room for: those that nobody uses make room for the others."""

import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import Server, request, wait_for

LIVE = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
# The chart's readiness probe gives up after so long.
PROBE_SECONDS = 3.0

of_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux changes the limits of a running process"
)


@contextmanager
def connections(port: int, count: int, send: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open so many connections to a port of 127.0.0.1, and send the same on each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        opened = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            opened.append(stack.enter_context(connection))
            if send:
                connection.sendall(send)
        yield opened


def is_served(server: Server) -> bool:
    """Ask once; a connection made room if it was accepted shortly before the check of the limit."""
    try:
        answer = server.get("/live", timeout=30)
    except ConnectionError:
        return False
    assert answer.status == 200, "a probe is answered or cut off, never refused"
    return True


def slowest_probe(server: Server, count: int = 20) -> float:
    """Return how many seconds the slowest of so many probes took, each on a new connection."""
    slowest = 0.0
    wait_for("what was opened just now is accepted", lambda: is_served(server))
    for _ in range(count):
        started = time.monotonic()
        wait_for("a probe is answered", lambda: is_served(server))  # its time counts, retries too
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.05)
    return slowest


@pytest.mark.parametrize("descriptors", [None, 1024])
def test_a_thousand_silent_connections_delay_no_probe(
    serve: Callable[..., Server], descriptors: int | None
) -> None:
    server = serve(descriptors=descriptors, THREADS="2")
    (worker,) = server.workers()
    with connections(server.port, 1200):
        slowest = slowest_probe(server)
        print(f"1,200 silent connections, ulimit -n {descriptors}: {slowest:.3f} s")
        assert slowest < PROBE_SECONDS
        used = psutil.Process(worker).num_fds()
        assert used < 1100 if descriptors is None else used < 600
    assert server.workers() == [worker]
    assert {line["level"] for line in server.lines()} == {"info"}


@pytest.mark.parametrize(
    "sent",
    [LIVE, b"nonsense\r\n\r\n", LIVE[:30]],
    ids=["answered", "refused", "half sent"],
)
def test_open_connections_delay_no_probe(serve: Callable[..., Server], sent: bytes) -> None:
    server = serve(descriptors=256, THREADS="2")
    with connections(server.port, 400, sent):
        assert slowest_probe(server) < PROBE_SECONDS
    assert {line["level"] for line in server.lines()} <= {"info", "warning"}


def test_a_connection_is_closed_when_its_client_sends_nothing_for_its_patience(
    serve: Callable[..., Server],
) -> None:
    server = serve(PATIENCE_SECONDS="0.5")
    with connections(server.port, 1) as (connection,):
        started = time.monotonic()
        assert connection.recv(1) == b""
        assert 0.4 < time.monotonic() - started < 5


def test_a_connection_that_is_used_late_is_served_and_its_silence_is_no_waiting(
    serve: Callable[..., Server],
) -> None:
    server = serve(METRICS_PORT=str(free_port()))
    with connections(server.port, 1) as (connection,):
        time.sleep(0.5)
        connection.sendall(b"GET /ports/AEAJM HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    (line,) = wait_for("its line", lambda: server.events(names.ACCESS_EVENT))
    assert line["duration_ms"] < 400


@of_linux
@pytest.mark.parametrize("spare", [0, 4])
def test_a_worker_survives_a_lack_of_file_descriptors(
    serve: Callable[..., Server], spare: int
) -> None:
    started = time.monotonic()
    server = serve(THREADS="2")
    (pid,) = server.workers()
    worker = psutil.Process(pid)
    server.get("/metrics")  # loads what it needs
    soft, hard = worker.rlimit(psutil.RLIMIT_NOFILE)
    worker.rlimit(psutil.RLIMIT_NOFILE, (worker.num_fds() + spare, hard))
    before = worker.cpu_times()
    with connections(server.port, 50):
        wait_for("it says so", lambda: server.events(names.EXHAUSTED_EVENT))
        time.sleep(1)
        spent = worker.cpu_times()
        if spare:  # the silent ones make room for those who ask
            assert slowest_probe(server) < PROBE_SECONDS
    worker.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))
    wait_for("it serves", lambda: is_served(server))
    assert spent.user + spent.system - before.user - before.system < 0.5, "it spins"
    assert server.workers() == [pid]
    lines = server.events(names.EXHAUSTED_EVENT)
    assert {(line["level"], line["reason"]) for line in lines} == {
        ("warning", "Too many open files")
    }
    assert len(lines) <= 1 + (time.monotonic() - started) // 60, "more than one a minute"


def test_silent_connections_to_the_metrics_port_delay_no_scrape(
    serve: Callable[..., Server],
) -> None:
    server = serve(METRICS_PORT=str(free_port()))
    (worker,) = map(psutil.Process, server.workers())
    with connections(server.metrics_port, 300):
        started = time.monotonic()
        assert request(server.metrics_port, "/metrics").status == 200
        assert time.monotonic() - started < PROBE_SECONDS
        wait_for("the threads of most have ended", lambda: worker.num_threads() < 40)
    assert {line["level"] for line in server.lines()} == {"info"}

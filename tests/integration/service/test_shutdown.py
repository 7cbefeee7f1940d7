"""Stopping: ready says no, requests are still served, then the listener closes, then the flush."""

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import psutil
import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import (
    DEADLINE_SECONDS,
    Load,
    Receiver,
    Server,
    attributes,
    request,
    wait_for,
)


class PoliteClient(threading.Thread):
    """Asks /ready before each request, and stops connecting at the first answer but 200."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self.completed: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        while True:
            try:
                if request(self._port, "/ready").status != 200:
                    return
                answer = request(self._port, "/slow?seconds=0.02")
                if answer.status != 200:
                    self.failures.append(str(answer))
                    return
                self.completed.append(answer.headers["X-Request-ID"])
            except (OSError, http.client.HTTPException) as exc:
                self.failures.append(repr(exc))
                return


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_fails_no_polite_client_and_loses_no_span_or_line(
    serve: Callable[..., Server], receiver: Receiver, workers: int
) -> None:
    server = serve(
        WEB_CONCURRENCY=str(workers),
        DRAIN_SECONDS="2",
        GRACEFUL_SECONDS="20",
        **receiver.environment(),
    )
    polite = [PoliteClient(server.port) for _ in range(4)]
    stubborn = Load(server.port, clients=4, path="/slow?seconds=0.02").start()
    for client in polite:
        client.start()
    wait_for("load flows", lambda: stubborn.completed[200] > 20)

    at_signal = stubborn.completed[200]
    server.signal(signal.SIGTERM)
    for client in polite:
        client.join(DEADLINE_SECONDS)
        assert not client.is_alive()
    wait_for("it served while draining", lambda: stubborn.completed[200] > at_signal + 5)
    assert server.process.wait(DEADLINE_SECONDS) == 0
    stubborn.stop.set()
    stubborn.join()

    completed = [*stubborn.request_ids, *(i for client in polite for i in client.completed)]
    spans = {
        found["request_id"]
        for span in receiver.spans()
        if (found := attributes(span)).get("http.route") == "/slow"
    }
    lines = {line["request_id"] for line in server.events(names.ACCESS_EVENT)}
    print(
        f"{workers} workers: {len(completed)} completed, {stubborn.completed[200] - at_signal} of "
        f"them after SIGTERM; polite failures 0; others: {stubborn.refused} refused, "
        f"{stubborn.reset_before} reset before a byte, {stubborn.broken} broken; "
        f"missing spans {len(set(completed) - spans)}, lines {len(set(completed) - lines)}"
    )
    assert [failure for client in polite for failure in client.failures] == []
    assert all(client.completed for client in polite)
    assert stubborn.broken == 0
    assert set(stubborn.completed) == {200}
    assert set(completed) <= spans
    assert set(completed) <= lines


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait_again(
    serve: Callable[..., Server], second: signal.Signals
) -> None:
    server = serve(DRAIN_SECONDS="3600")
    server.signal(signal.SIGTERM)
    wait_for("it drains", lambda: server.get("/ready").status == 503)
    server.signal(second)
    assert server.process.wait(DEADLINE_SECONDS) == 0


def test_ctrl_c_in_a_terminal_stops_at_once_and_quietly(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    # A quarter of the graceful time is for the flush, which a busy machine may need.
    times = {"DRAIN_SECONDS": "3600", "GRACEFUL_SECONDS": "120"}
    server = serve(WEB_CONCURRENCY="2", **times, **receiver.environment())
    server.get("/slow?seconds=0")
    endless = Load(server.port, clients=1, path="/slow?seconds=3000", requests_each=1).start()
    active = ("http_server_active_requests", (("http_request_method", "GET"),))
    wait_for("it is in flight", lambda: server.scrape()[active] == 2)  # the scrape is one
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(DEADLINE_SECONDS) == 0
    endless.join()
    assert endless.reset_before == 1
    assert [line for line in server.lines() if line["level"] != "info"] == []
    assert "GET /slow" in {span.name for span in receiver.spans()}


def test_telemetry_that_nobody_takes_is_given_up_inside_the_graceful_time(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(GRACEFUL_SECONDS="8", **receiver.environment())
    receiver.answer(answering=False)
    server.get("/slow?seconds=0")
    assert server.stop() == 0
    (line,) = server.events(names.FLUSH_TIMEOUT_EVENT)
    assert (line["level"], line["seconds"]) == ("warning", 2.0)
    assert not [line for line in server.lines() if "SIGKILL" in line["event"]]


def test_a_request_in_flight_finishes_after_the_listener_closed(
    serve: Callable[..., Server],
) -> None:
    server = serve(THREADS="2")
    slow = Load(server.port, clients=1, path="/slow?seconds=1", requests_each=1).start()
    wait_for(
        "a request is in flight",
        lambda: (
            server.scrape()[("http_server_active_requests", (("http_request_method", "GET"),))] > 1
        ),
    )
    server.signal(signal.SIGTERM)
    wait_for("the listener is closed", lambda: not accepts(server.port))
    slow.join()
    assert slow.completed == {200: 1}
    assert server.process.wait(DEADLINE_SECONDS) == 0


def accepts(port: int) -> bool:
    """Say whether a new connection gets an answer within a moment."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
            connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False
    finally:
        time.sleep(0.02)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigusr2_hands_the_metrics_port_to_the_new_server(
    serve: Callable[..., Server], workers: str
) -> None:
    server = serve(WEB_CONCURRENCY=workers, METRICS_PORT=str(free_port()))
    first = set(server.workers())
    server.get("/ports/AEAJM")

    def second() -> psutil.Process | None:
        """Return the second master once it has all of its workers."""
        for child in psutil.Process(server.process.pid).children():
            if child.pid not in first and len(child.children()) == int(workers):
                return child
        return None

    server.signal(signal.SIGUSR2)
    master = wait_for("a second server", second)
    assert server.counted(http_route="/ports/{id}") == 1, "the first one still answers scrapes"
    assert server.stop() == 0
    served_by = {int(server.get("/ports/AEAJM").json()["pid"]) for _ in range(4)}
    assert served_by <= {worker.pid for worker in master.children()}
    assert server.counted(http_route="/ports/{id}") == 4
    assert {line["level"] for line in server.lines()} == {"info"}
    master.terminate()
    wait_for("its end", lambda: not master.is_running() or master.status() == "zombie")

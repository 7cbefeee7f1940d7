"""Nothing that a client sends is answered by a 5xx, nor costs a thread, a file or a probe.

`make test-fuzz` sends 50,000 requests to each worker class and prints what came of them.
"""

import json
import os
import random
import re
import socket
import statistics
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from slo.contract import Contract
from telemetry import names
from tqdm import tqdm

from tests.service import FOLDER, Service
from tests.support import cardinality, fuzz, raw
from tests.support.harness import samples
from tests.support.over_postgres import TOKEN, over_postgres
from tests.support.thorough import scaled

# Requests to each worker class.
WHOLE = "FUZZ_REQUESTS" in os.environ
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", scaled(4_800)))
CLIENTS = 6
THREADS = 4
SEED = 20_250
# A busy machine delays any process by seconds, so the whole run alone asserts a time.
LIVE_SECONDS = 1.0 if WHOLE else 30.0
GOOD = b"GET /ports/AEAJM HTTP/1.1\r\nHost: x\r\n\r\n"
LIVE = b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
# Not read by the service, so that the server has to find where the next request begins.
UNREAD = (
    b"POST /ports HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" + b"GET /live HTTP/1.1\r\n"
)
BROKEN = b"PUT /ports/AEAJM HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\n"
STATES = ("fresh", "kept alive", "pipelined")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_REQUEST_ID = re.compile(rb"HTTP/1\.[01] 5[0-9]{2} .*?\r\nX-Request-ID: ([^\r\n]+)", re.DOTALL)


class Attack:
    """Clients that send hostile requests, each from random numbers of its own."""

    def __init__(self, port: int, requests: int, *, is_shown: bool = False) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.states: Counter[str] = Counter()
        self.failed_ids: set[str] = set()
        self.unanswered: list[bytes] = []
        self._lock = threading.Lock()
        self._progress = tqdm(total=requests, unit=" requests", mininterval=5, disable=not is_shown)
        shares = [requests * n // CLIENTS for n in range(CLIENTS + 1)]
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(random.Random(SEED + n), shares[n + 1] - shares[n]),  # noqa: S311 - repeatable
            )
            for n in range(CLIENTS)
        ]

    def run(self) -> "Attack":
        with self._progress:
            for thread in self._threads:
                thread.start()
            for thread in self._threads:
                thread.join()
        return self

    def _run(self, draw: random.Random, requests: int) -> None:
        for number in range(requests):
            state = STATES[number % len(STATES)]
            sent = fuzz.request(draw, TOKEN)
            aborts = draw.random() < 0.05
            try:
                answer = self._exchange(draw, state, sent, aborts=aborts)
            except TimeoutError:
                self.unanswered.append(sent)
                continue
            with self._lock:
                self._progress.update()
                self.states[state] += 1
                self.statuses.update(int(status) for status in _STATUS.findall(answer))
                self.failed_ids |= {found.decode() for found in _REQUEST_ID.findall(answer)}

    def _exchange(self, draw: random.Random, state: str, sent: bytes, *, aborts: bool) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            answer = b""
            # The server may also reset a request that it refuses.
            with suppress(ConnectionError):
                if state == "kept alive":
                    connection.sendall(GOOD)
                    answer = connection.recv(65536)
                elif state == "pipelined":
                    sent = draw.choice((GOOD, UNREAD, BROKEN)) + sent
                    sent += draw.choice((b"", GOOD, b"GET /live HTTP"))
                connection.sendall(sent)
                if aborts:  # with a reset
                    reset = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    return answer
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(65536):
                    answer += data
        return answer


@contextmanager
def asked_for_life(port: int) -> Iterator[list[float]]:
    """Ask /live again and again, on a new connection each time; yield the seconds that it took."""
    seconds: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            began = time.monotonic()
            answer = raw.exchange(port, LIVE)
            seconds.append(time.monotonic() - began if answer.startswith(b"HTTP/1.1 200") else 99)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        done.set()
        thread.join()


def held_by(worker: psutil.Process, database_port: int) -> dict[str, int]:
    """Return how many threads and file descriptors a worker has, beside those to its database."""
    pooled = [c for c in worker.net_connections("tcp") if c.raddr and c.raddr.port == database_port]
    return {"threads": worker.num_threads(), "files": worker.num_fds() - len(pooled)}


def settled(worker: psutil.Process, database_port: int) -> dict[str, int]:
    """Return what a worker holds once that has not changed for longer than a connection lingers."""
    deadline, since = time.monotonic() + 60, time.monotonic()
    held = held_by(worker, database_port)
    while time.monotonic() < min(deadline, since + 4):
        time.sleep(0.1)
        now = held_by(worker, database_port)
        if now != held:
            held, since = now, time.monotonic()
    return held


def measured(service: Service) -> tuple[Counter[str], float]:
    """Return the failures that the service has counted by their kind, and how many threads work."""
    scrape = samples(service.client.get("/metrics").text)
    failures = Counter[str]()
    for (name, labels), value in scrape.items():
        kind = dict(labels)
        if name == f"{names.HTTP_SERVER_DURATION}_count" and kind[names.HTTP_STATUS] >= "500":
            failures[f"{kind[names.HTTP_STATUS]} of {kind[names.HTTP_ROUTE]}"] += int(value)
    return +failures, scrape[(names.HTTP_SERVER_THREADS_BUSY, ())]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fast", ["true", "false"], ids=["accelerated", "stock"])
def test_no_client_request_causes_a_5xx(
    fast: str,
    postgres_server: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    database_port = httpx.URL(postgres_server).port or 0
    fault = tmp_path / "fault.json"
    settings = {
        "TELEMETRY_FAST": fast,
        "PORTS_FAULTS_FILE": str(fault),
        "PORTS_THREADS": str(THREADS),
    }
    with over_postgres(postgres_server, f"ports_fuzz_{fast}", tmp_path, **settings) as service:
        port = httpx.URL(service.url).port or 0
        (worker,) = psutil.Process(service.process.pid).children()
        Attack(port, 60).run()  # every thread has begun, what is made once is made
        fault.write_text('{"fault": "db-down", "share": 0.02}')
        before = settled(worker, database_port)
        # A slow start answers 503 to the first probe.
        at_start, _ = measured(service)
        began = time.monotonic()
        with capsys.disabled(), asked_for_life(port) as live:
            attack = Attack(port, REQUESTS, is_shown=WHOLE).run()
        seconds = time.monotonic() - began
        after = settled(worker, database_port)
        failures, busy = measured(service)
        exposed = service.client.get("/metrics").text
        assert psutil.Process(service.process.pid).children() == [worker]
        lines = [json.loads(line) for line in service.lines()]
    injected = {
        line["request_id"]
        for line in lines
        if line["event"] == names.SERVER_ERROR_EVENT and "injected" in line["reason"]
    }
    with capsys.disabled():
        print(
            f"\n{request.node.callspec.id} worker",
            f"requests: {attack.states.total():,} in {seconds:.0f} s",
            f"by state: {dict(attack.states)}; unanswered: {len(attack.unanswered)}",
            f"answers: {dict(sorted(attack.statuses.items()))}",
            f"5xx: {dict(failures)}; injected: {len(injected)}",
            f"before: {before}; after: {after}",
            f"/live: {len(live):,} times, median {statistics.median(live) * 1000:.0f} ms,"
            f" longest {max(live) * 1000:.0f} ms",
            sep="\n  ",
        )
    assert attack.unanswered == []
    # The probes' thread starts with the first probe for which no other thread is free.
    assert after["threads"] <= before["threads"] + 1
    assert after["files"] <= before["files"]  # the test's own first connection was kept alive
    assert attack.failed_ids <= injected
    assert (failures - at_start).total() == len(injected)
    assert busy <= 1
    contract = Contract(FOLDER)
    assert cardinality.unknown(exposed, contract) == set()
    assert cardinality.beyond(exposed, contract) == {}
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []
    assert max(live) < LIVE_SECONDS

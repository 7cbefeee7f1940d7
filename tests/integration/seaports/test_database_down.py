"""PostgreSQL goes away under the running service, and comes back."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.integration.seaports.conftest import over_postgres

READERS = 40


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server for this file alone, because its tests stop the server."""
    with postgres.cluster() as server:
        yield server


@pytest.fixture
def server(own_server: Server) -> Server:
    """The server; started if a test stopped it."""
    if not own_server.is_running():
        own_server.start()
    return own_server


def test_the_service_outlives_its_database(server: Server, tmp_path: Path) -> None:
    cached = {"PORTS_CACHE_SECONDS": "1"}
    with over_postgres(server.url, "ports_down", tmp_path, **cached) as running:
        assert running.client.get("/ports/AEAJM").status_code == 200
        server.stop("immediate")
        wait_for(running, "/ports/AEAJM", 503)
        problem = running.client.get("/ports/AEAJM")
        assert problem.headers["Retry-After"] == "1"
        assert problem.json()["detail"] == "the database does not answer"
        assert_degraded(running)
        assert_live_beside_readers(running)
        replace_worker(running)
        assert_degraded(running)
        server.start()
        wait_for(running, "/ports/AEAJM", 200)
        ready = running.client.get("/ready").json()
        assert (ready["status"], ready["ports"], ready["unavailable"]) == ("ready", 1634, [])


def test_cached_reads_are_served_while_the_database_is_away(server: Server, tmp_path: Path) -> None:
    cached = {"PORTS_CACHE_SECONDS": "600"}
    with over_postgres(server.url, "ports_cached", tmp_path, **cached) as running:
        read = running.client.get("/ports/AEAJM")
        server.stop("immediate")
        assert_degraded(running)
        assert running.client.get("/ports/AEAJM").content == read.content
        assert running.client.get("/ports/AEDXB").status_code == 503


def test_an_instance_that_never_reached_its_database_is_not_ready(
    server: Server, tmp_path: Path
) -> None:
    url = postgres.new_database(server.url, "ports_late", postgres.ports(server.url))
    server.stop("immediate")
    with service.running(tmp_path, until="/live", PORTS_STORE_URL=url) as running:
        for _ in range(3):
            refused = running.client.get("/ready")
            assert refused.status_code == 503
            assert refused.json()["detail"] == "the database does not answer"
        server.start()
        wait_for(running, "/ready", 200)
        server.stop("immediate")
        assert_degraded(running)


def assert_degraded(running: service.Service) -> None:
    answered = running.client.get("/ready")
    assert answered.status_code == 200
    assert answered.json() == {
        "status": "degraded",
        "ports": None,
        "revision": None,
        "unavailable": [{"dependency": "store", "detail": "the database does not answer"}],
    }


def replace_worker(running: service.Service) -> None:
    """Kill the only worker, as gunicorn does when one hangs, and wait for its successor."""
    (worker,) = psutil.Process(running.process.pid).children()
    worker.kill()
    worker.wait()
    service.wait_until_ready(running, "/live")


def wait_for(running: service.Service, path: str, status: int) -> None:
    deadline = time.monotonic() + service.DEADLINE_SECONDS
    while (answered := running.client.get(path).status_code) != status:
        assert time.monotonic() < deadline, f"{path} still answers {answered}"
        time.sleep(0.1)


def assert_live_beside_readers(running: service.Service) -> None:
    """Readers that wait for a dead database must not keep the probe waiting behind them."""
    statuses: list[int] = []
    stop = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=running.url, timeout=60) as client:
            while not stop.is_set():
                statuses.append(client.get("/ports/AEDXB").status_code)
                time.sleep(0.05)  # refusals return at once; the probe needs CPU too

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        # Without the breaker 40 readers on 8 threads hold a probe for five times the pool's
        # patience; a probe gives up sooner, after which Kubernetes restarts the pod.
        answers = [httpx.get(f"{running.url}/live", timeout=4) for _ in range(5)]
    finally:
        stop.set()
        for reader in readers:
            reader.join(timeout=60)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert set(statuses) == {503}
    assert len(statuses) > READERS

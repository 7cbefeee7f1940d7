"""PostgreSQL goes away under the running service, and comes back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.support.over_postgres import over_postgres

READERS = 40
PROBE_SECONDS = 2  # less than any limit of the database: what a busy machine takes for an answer


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
        assert probe_beside_readers(running, 3)["/live"] < PROBE_SECONDS
        replace_worker(running)
        assert_degraded(running)
        server.start()
        wait_for(running, "/ports/AEAJM", 200)
        ready = wait_until_ready(running)
        assert (ready["ports"], ready["unavailable"]) == (1634, [])


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


def test_a_silent_database_delays_no_probe(server: Server, tmp_path: Path) -> None:
    settings = {"PORTS_CACHE_SECONDS": "0", "PORTS_STATEMENT_SECONDS": "2"}
    with over_postgres(server.url, "ports_silent", tmp_path, **settings) as running:
        assert running.client.get("/ports/AEAJM").status_code == 200
        with postgres.silent(server):
            slowest = probe_beside_readers(running)
            assert_degraded(running)
        wait_for(running, "/ports/AEAJM", 200)
    # A reader waits for the pool's check, or for its statement's two seconds and one more.
    assert slowest["read"] < 4.5
    assert slowest["/live"] < PROBE_SECONDS
    assert slowest["/ready"] < PROBE_SECONDS


def test_a_locked_table_delays_no_probe(server: Server, tmp_path: Path) -> None:
    settings = {"PORTS_CACHE_SECONDS": "0", "PORTS_STATEMENT_SECONDS": "8"}
    with over_postgres(server.url, "ports_locked", tmp_path, **settings) as running:
        assert running.client.get("/ports/AEAJM").status_code == 200
        with psycopg.connect(postgres.database(server.url, "ports_locked")) as other:
            other.execute("LOCK TABLE port")
            slowest = probe_beside_readers(running)
            assert wait_until_ready(running)["ports"] == 1634
        wait_for(running, "/ports/AEAJM", 200)
    # A reader waits for the lock half as long as its statement may take.
    assert slowest["read"] < 6
    assert slowest["/live"] < PROBE_SECONDS
    assert slowest["/ready"] < PROBE_SECONDS


def probe_beside_readers(running: service.Service, seconds: float = 8) -> dict[str, float]:
    """Return the longest that a read and each probe took, in seconds, while reads get 503."""
    slowest: dict[str, float] = {}
    end = time.monotonic() + seconds

    def ask(kind: str, path: str, pause: float, status: int) -> None:
        while (began := time.monotonic()) < end:
            # Each on a connection of its own, as kubelets ask.
            answered = running.client.get(path, headers={"Connection": "close"})
            assert answered.status_code == status, answered.text
            slowest[kind] = max(slowest.get(kind, 0), time.monotonic() - began)
            time.sleep(pause)

    with ThreadPoolExecutor(READERS + 2) as threads:
        asked = [threads.submit(ask, path, path, 0.2, 200) for path in ("/live", "/ready")]
        asked += [
            threads.submit(ask, "read", "/ports/AEDXB", 0.2, 503) for _ in range(READERS // 2)
        ]
    for each in asked:
        each.result()
    print(slowest)
    return slowest


def wait_until_ready(running: service.Service) -> dict[str, object]:
    """Return what /ready says once the store is there; the next probe may still find it away."""
    deadline = time.monotonic() + service.DEADLINE_SECONDS
    while (said := running.client.get("/ready").json())["status"] != "ready":
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return dict(said)


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

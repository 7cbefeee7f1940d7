"""The service over a primary and a real streaming replica."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.service import Service
from tests.support.over_postgres import TOKEN
from tests.support.replica import late, replica_of

LAG_SECONDS = 1.0
# The check of both positions runs this often, and each of its statements has a limit.
SLACK_SECONDS = 0.7
NAME = "ports_replicated"
PORT = "/ports/XXAAA"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def replica(server: Server) -> Iterator[Server]:
    postgres.new_database(server.url, NAME, postgres.ports(server.url))
    with replica_of(server) as replica:
        yield replica


@contextmanager
def serving(primary: Server, replica: Server, folder: Path, **more: str) -> Iterator[Service]:
    settings = {
        "PORTS_STORE_URL": postgres.database(primary.url, NAME),
        "PORTS_REPLICA_URL": postgres.database(replica.url, NAME),
        "PORTS_REPLICA_LAG_SECONDS": str(LAG_SECONDS),
        "PORTS_STATEMENT_SECONDS": "1",
        "PORTS_CACHE_SECONDS": "0",
        "PORTS_WRITE_TOKEN": TOKEN,
    }
    with service.running(folder, **{**settings, **more}) as running:
        read_until(running, lambda: from_replica(running) > 0)
        yield running


def read_until(running: Service, done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        assert running.client.get("/ports/AEAJM").status_code == httpx.codes.OK
        time.sleep(0.02)


def metric(running: Service, series: str) -> float:
    return sum(
        float(line.split()[-1])
        for line in running.client.get("/metrics").text.splitlines()
        if line.startswith(series)
    )


def from_replica(running: Service) -> float:
    """Return how many statements the replica has had, without those of the checks."""
    with psycopg.connect(replica_url(running)) as connection:
        row = connection.execute(
            "SELECT coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'port'"
        ).fetchone()
    assert row is not None
    return float(row[0])


def replica_url(running: Service) -> str:
    environ = Path(f"/proc/{running.process.pid}/environ").read_text().split("\0")
    (url,) = [each for each in environ if each.startswith("PORTS_REPLICA_URL=")]
    return url.partition("=")[2]


def put(running: Service, version: int, **headers: str) -> httpx.Response:
    body = {"name": f"Version {version}", "city": "Somewhere", "country": "Nowhere"}
    return running.client.put(PORT, json=body, headers={**AUTHORIZED, **headers})


def test_reads_come_from_the_replica_and_show_each_own_write(
    server: Server, replica: Server, tmp_path: Path
) -> None:
    with serving(server, replica, tmp_path) as running:
        for version in range(30):
            answer = put(running, version)
            assert answer.is_success, answer.text
            for _ in range(3):
                got = running.client.get(PORT)
                assert got.json()["name"] == f"Version {version}"
                assert got.headers["ETag"] == answer.headers["ETag"]
                page = running.client.get("/ports?country=Nowhere").json()["items"]
                assert page[0]["name"] == f"Version {version}"
            time.sleep(0.05 * (version % 3))
        assert put(running, 99, **{"If-Match": answer.headers["ETag"]}).is_success
        before = from_replica(running)
        read_until(running, lambda: from_replica(running) > before)


def test_a_late_replica_is_not_read_beyond_the_bound(
    server: Server, replica: Server, tmp_path: Path
) -> None:
    with (
        serving(server, replica, tmp_path) as reader,
        serving(server, replica, tmp_path) as writer,
        late(replica),
    ):
        end = time.monotonic() + LAG_SECONDS  # only a process that serves knows the lag
        while time.monotonic() < end:
            assert reader.client.get(PORT).status_code == httpx.codes.NOT_FOUND
            time.sleep(0.01)
        assert put(writer, 0).status_code == httpx.codes.CREATED
        written = time.monotonic()
        assert writer.client.get(PORT).json()["name"] == "Version 0", "its own write"
        ages = []
        while time.monotonic() < written + 3 * LAG_SECONDS:
            began = time.monotonic()
            if reader.client.get(PORT).status_code == httpx.codes.NOT_FOUND:
                ages.append(began - written)
            time.sleep(0.01)
        fallbacks = metric(reader, 'db_replica_fallbacks_total{error_type="not_fresh"}')
    print(f"\n{len(ages)} stale reads of the other process, the oldest {max(ages):.2f} s")
    assert ages, "the measurement finds nothing"
    assert max(ages) < LAG_SECONDS + SLACK_SECONDS
    assert fallbacks > 0


def test_an_entity_tag_is_compared_with_the_primary(
    server: Server, replica: Server, tmp_path: Path
) -> None:
    with serving(server, replica, tmp_path) as running:
        old = put(running, 0).headers["ETag"]
        with late(replica):
            assert put(running, 1, **{"If-Match": old}).status_code == httpx.codes.OK
            assert put(running, 2, **{"If-Match": old}).status_code == (
                httpx.codes.PRECONDITION_FAILED
            )


@contextmanager
def killed(server: Server) -> Iterator[None]:
    server.stop("immediate")
    yield
    server.start("fsync=off")


FAULTS: dict[str, Callable[[Server], AbstractContextManager[Any]]] = {
    "killed": killed,
    "silent": postgres.silent,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_without_the_replica_reads_come_from_the_primary(
    server: Server, replica: Server, tmp_path: Path, kind: str
) -> None:
    with serving(server, replica, tmp_path) as running:
        took = []
        with FAULTS[kind](replica):
            end = time.monotonic() + 6
            while (began := time.monotonic()) < end:
                assert running.client.get("/ports/AEAJM").status_code == httpx.codes.OK
                took.append(time.monotonic() - began)
                assert running.client.get("/ready").json()["status"] == "ready"
                time.sleep(0.01)
            assert put(running, 0).status_code == httpx.codes.CREATED
        before = from_replica(running)
        read_until(running, lambda: from_replica(running) > before)
        fallbacks = metric(running, "db_replica_fallbacks_total")
    took.sort()
    print(
        f"\n{kind}: {len(took)} reads, all 200, median {took[len(took) // 2] * 1000:.1f} ms,"
        f" slowest {took[-1]:.2f} s, {fallbacks:.0f} from the primary"
    )
    assert fallbacks > 0
    # A statement's limit, a second more, and half a second to cancel it.
    assert took[-1] < 1 + 1 + 0.5 + 0.5
    assert sum(each > 0.5 for each in took) <= 2


def test_without_the_primary_reads_come_from_the_replica(
    server: Server, replica: Server, tmp_path: Path
) -> None:
    with serving(server, replica, tmp_path) as running:
        with killed(server):
            time.sleep(LAG_SECONDS)
            statuses = []
            end = time.monotonic() + 3
            while time.monotonic() < end:
                statuses.append(running.client.get("/ports/AEAJM").status_code)
                time.sleep(0.01)
            assert running.client.get("/ready").json()["status"] == "degraded"
            assert put(running, 0).status_code == httpx.codes.SERVICE_UNAVAILABLE
        failed = sum(status != httpx.codes.OK for status in statuses)
        print(f"\n{len(statuses)} reads without the primary, {failed} refused")
        assert statuses[-1] == httpx.codes.OK
        assert failed < len(statuses) / 4
        read_until(running, lambda: put(running, 0).is_success)


def test_the_connections_to_the_replica_are_counted(server: Server, replica: Server) -> None:
    settings = {
        "PORTS_STORE_URL": postgres.database(server.url, NAME),
        "PORTS_REPLICA_URL": postgres.database(replica.url, NAME),
        "PORTS_PODS": "12",
    }
    assert service.manage("migrate", "-v0", settings=settings).returncode == 0
    replica.stop()
    # A replica may not allow fewer connections than its primary, but it may reserve more.
    replica.start("superuser_reserved_connections=20")
    done = service.manage("migrate", "-v0", settings=settings)
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "12 pods x 1 workers x 8 connections are 96; the replica allows 80" in said

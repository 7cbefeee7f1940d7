"""Reads of one replica after a write of the other: how many show the old value, and how old it is.

A read counts as stale if it began after the answer to a write and shows what was there before.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.service import Service
from tests.support.cache_server import CacheServer
from tests.support.harness import Receiver, attributes, wait_for
from tests.support.over_postgres import TOKEN
from tests.support.proxy import proxy

CACHE_SECONDS = 2
MEASURED_SECONDS = 8
WRITE_EVERY_SECONDS = 0.1
PORT = "/ports/XXAAA"
READS: dict[str, Callable[[Any], Any]] = {
    PORT: lambda body: body,
    "/ports?country=Nowhere&limit=5": lambda body: body["items"][0],
}
READERS_EACH = 2
# A value is as old as the timeout of the cache, the time of the read that filled it, and the time
# of the read that found it.
BOUND_SECONDS = CACHE_SECONDS + 1.0


class Read(NamedTuple):
    began: float
    version: int


class Measured(NamedTuple):
    writes: int
    reads: int
    stale: int
    oldest_seconds: float
    versions_back: int


@contextmanager
def two_replicas(server: Server, folder: Path, *settings: dict[str, str]) -> Iterator[Any]:
    """Run two processes of the service over one database."""
    url = postgres.new_database(server.url, "ports_stale", postgres.ports(server.url))
    common = {"PORTS_STORE_URL": url, "PORTS_WRITE_TOKEN": TOKEN}
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                service.running(
                    folder, **common, **{"PORTS_CACHE_SECONDS": str(CACHE_SECONDS), **each}
                )
            )
            for each in settings
        ]


def put(client: httpx.Client, version: int) -> httpx.Response:
    body = {"name": f"Version {version}", "city": "Somewhere", "country": "Nowhere"}
    return client.put(PORT, json=body, headers={"Authorization": f"Bearer {TOKEN}"})


def measure(writer: Service, reader: Service) -> Measured:
    """Write at one replica and read at the other, and compare."""
    written = [time.monotonic()]  # when each version was answered for
    reads: list[Read] = []
    assert put(writer.client, 0).status_code == httpx.codes.CREATED
    for path in READS:  # so that an old value is there
        reader.client.get(path)
    stop = threading.Event()
    failed: list[str] = []

    def read(path: str) -> None:
        with httpx.Client(base_url=reader.url) as client:
            while not stop.is_set():
                began = time.monotonic()
                got = client.get(path)
                if got.status_code != httpx.codes.OK:
                    failed.append(f"{path}: {got.status_code}")
                    continue
                name = READS[path](got.json())["name"]
                reads.append(Read(began, int(name.removeprefix("Version "))))

    threads = [threading.Thread(target=read, args=(p,)) for p in READS for _ in range(READERS_EACH)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + MEASURED_SECONDS
    for version in count(1):
        assert put(writer.client, version).status_code == httpx.codes.OK
        written.append(time.monotonic())
        if written[-1] > end:
            break
        time.sleep(WRITE_EVERY_SECONDS)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert failed == []
    stale = [
        (each.began - written[each.version + 1], each.version, each.began)
        for each in reads
        if each.version + 1 < len(written) and written[each.version + 1] < each.began
    ]
    back = [sum(1 for at in written if at < began) - 1 - version for _, version, began in stale]
    return Measured(
        len(written) - 1,
        len(reads),
        len(stale),
        max((age for age, _, _ in stale), default=0.0),
        max(back, default=0),
    )


def show(what: str, measured: Measured) -> None:
    print(
        f"\n{what}: {measured.writes} writes, {measured.reads} reads, {measured.stale} stale,"
        f" the oldest {measured.oldest_seconds:.2f} s ({measured.versions_back} versions)"
    )
    assert measured.writes > 20
    assert measured.reads > 200


def test_without_a_shared_cache_reads_are_as_old_as_the_timeout(
    server: Server, tmp_path: Path
) -> None:
    with two_replicas(server, tmp_path, {}, {}) as (writer, reader):
        measured = measure(writer, reader)
    show("in memory", measured)
    assert measured.stale > 0, "the measurement finds nothing"
    assert measured.oldest_seconds < BOUND_SECONDS


def test_with_a_shared_cache_no_read_is_older_than_the_last_answer(
    server: Server, cache_server: CacheServer, tmp_path: Path
) -> None:
    shared = {"PORTS_CACHE_URL": cache_server.url}
    with two_replicas(server, tmp_path, shared, shared) as (writer, reader):
        measured = measure(writer, reader)
        hits = metric(reader, 'django_cache_get_hits_total{backend="native_redis"}')
    show("shared", measured)
    assert hits > measured.reads / 2, "the cache is not used"
    assert measured.stale == 0


def test_with_a_shared_cache_that_the_writer_cannot_reach_the_bound_is_the_timeout(
    server: Server, cache_server: CacheServer, tmp_path: Path
) -> None:
    with proxy(cache_server.port) as network:
        far = {"PORTS_CACHE_URL": cache_server.url_at(network.port)}
        near = {"PORTS_CACHE_URL": cache_server.url}
        with two_replicas(server, tmp_path, far, near) as (writer, reader):
            writer.client.get("/ports/AEAJM")  # over a connection that stays open
            network.delay = None
            measured = measure(writer, reader)
            assert metric(writer, "cache_bypassed") == 1
            own = writer.client.get(PORT).json()["name"]
            network.delay = 0.0
    show("shared, the writer cut off", measured)
    assert own == f"Version {measured.writes}", "a replica reads its own writes"
    assert measured.stale > 0, "the measurement finds nothing"
    assert measured.oldest_seconds < BOUND_SECONDS


def metric(replica: Service, series: str) -> float:
    (line,) = [
        line
        for line in replica.client.get("/metrics").text.splitlines()
        if line.startswith(f"{series} ")
    ]
    return float(line.split()[1])


@contextmanager
def killed(cache_server: CacheServer) -> Iterator[None]:
    cache_server.stop()
    yield
    cache_server.start()


@contextmanager
def garbled(cache_server: CacheServer) -> Iterator[None]:
    """Overwrite what is held, again and again."""
    stop = threading.Event()

    def garble() -> None:
        while not stop.wait(0.02):
            for key in cache_server.client.scan_iter():
                cache_server.client.set(key, b"\x80\x04N.")

    thread = threading.Thread(target=garble)
    thread.start()
    yield
    stop.set()
    thread.join()


FAULTS: dict[str, Callable[[CacheServer], Any]] = {
    "killed": killed,
    "silent": lambda cache_server: cache_server.silent(),
    "full": lambda cache_server: cache_server.full(),
    "garbled": garbled,
}
EXPECTED = {"killed": "connection", "silent": "timeout", "full": "full", "garbled": "invalid"}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_cache_is_no_error_and_no_long_wait(
    server: Server, cache_server: CacheServer, tmp_path: Path, kind: str
) -> None:
    shared = {"PORTS_CACHE_URL": cache_server.url}
    with two_replicas(server, tmp_path, shared, shared) as (writer, reader):
        assert put(writer.client, 0).status_code == httpx.codes.CREATED
        healthy = ask(writer, reader)
        with FAULTS[kind](cache_server):
            broken = ask(writer, reader)
        time.sleep(1.5)
        recovered = ask(writer, reader)
        failures = {
            reason: metric(reader, f'cache_failures_total{{error_type="{reason}"}}')
            for reason in ("connection", "timeout", "full", "refused", "invalid")
        }
        bypassed = metric(reader, "cache_bypassed")
        log = "\n".join([*writer.lines(), *reader.lines()])
        exposed = reader.client.get("/metrics").text
    print(f"\n{kind}: failures {failures}")
    for when, took in (("before", healthy), ("during", broken), ("after", recovered)):
        took.sort()
        print(
            f"{when}: {len(took)} requests, all 200, median {took[len(took) // 2] * 1000:.1f} ms,"
            f" p99 {took[len(took) * 99 // 100] * 1000:.1f} ms, slowest {took[-1] * 1000:.0f} ms"
        )
    assert failures[EXPECTED[kind]] > 0
    assert max(broken) < 1.5
    assert bypassed == 0
    told = [line for line in log.splitlines() if '"cache.failed"' in line]
    assert 1 <= sum(f'"reason":"{EXPECTED[kind]}"' in line for line in told) <= 2
    assert "tests-only" not in exposed + log.replace(TOKEN, "")


def ask(writer: Service, reader: Service) -> list[float]:
    """Return how long requests took, all of which were answered 200, with a write in between."""
    took: list[float] = []
    wrong: list[str] = []
    end = time.monotonic() + 3

    def read(path: str) -> None:
        with httpx.Client(base_url=reader.url) as client:
            while (began := time.monotonic()) < end:
                got = client.get(path)
                took.append(time.monotonic() - began)
                if got.status_code != httpx.codes.OK:
                    wrong.append(got.text)
                time.sleep(0.005)

    threads = [threading.Thread(target=read, args=(p,)) for p in [*READS, *READS, "/ready"]]
    for thread in threads:
        thread.start()
    for version in range(1, 9):
        began = time.monotonic()
        answer = put(writer.client, version)
        took.append(time.monotonic() - began)
        if answer.status_code != httpx.codes.OK:
            wrong.append(answer.text)
        time.sleep(0.3)
    for thread in threads:
        thread.join(30)
    assert wrong == []
    return took


def test_an_import_by_the_command_is_seen_at_once(
    server: Server, cache_server: CacheServer, tmp_path: Path
) -> None:
    file = tmp_path / "ports.json"
    record = {"name": "Imported", "city": "Somewhere", "country": "Nowhere"}
    file.write_text(json.dumps({"XXAAA": record}))
    shared = {"PORTS_CACHE_URL": cache_server.url, "PORTS_CACHE_SECONDS": "600"}
    with two_replicas(server, tmp_path, shared) as (replica,):
        for _ in range(2):
            assert replica.client.get(PORT).status_code == httpx.codes.NOT_FOUND
        url = postgres.database(server.url, "ports_stale")
        done = service.manage(
            "import_ports", str(file), settings={"PORTS_STORE_URL": url, **shared}
        )
        assert done.returncode == 0, done.stderr.decode()
        assert replica.client.get(PORT).json()["name"] == "Imported"


def test_a_trace_shows_each_command_to_the_cache(
    server: Server, cache_server: CacheServer, tmp_path: Path, receiver: Receiver
) -> None:
    shared = {"PORTS_CACHE_URL": cache_server.url, **receiver.environment()}
    with two_replicas(server, tmp_path, shared) as (replica,):
        for _ in range(2):
            assert replica.client.get("/ports/AEAJM").status_code == httpx.codes.OK
        spans = wait_for(
            "the spans",
            lambda: found if len(found := cache_spans(receiver)) >= len(COMMANDS) else None,
        )
    assert spans == COMMANDS


# The first read begins a generation and stores its value.
COMMANDS = [("get_port", each) for each in ("MGET", "SET NX", "SET", "MGET")]


def cache_spans(receiver: Receiver) -> list[tuple[str, str]]:
    """Return the parent and the command of each span of the cache, in order."""
    spans = receiver.spans()
    names = {span.span_id: span.name for span in spans}
    return [
        (names.get(span.parent_span_id, ""), attributes(span)["db.operation.name"])
        for span in sorted(spans, key=lambda span: span.start_time_unix_nano)
        if span.name == "cache" and attributes(span)["db.system.name"] == "redis"
    ]

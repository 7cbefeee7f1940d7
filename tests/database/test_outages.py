"""A table of probes, reads and writes in each second of a fault of the database."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.database.pgbouncer import pgbouncer
from tests.support.over_postgres import TOKEN
from tests.support.proxy import proxy

BEFORE, DURING, AFTER = 2, 8, 10  # seconds
STATEMENT_SECONDS = 2
# A probe's own time on a busy machine; no limit of the database is below it.
PROBE_SECONDS = 2
# A lock that every thread meets. Shorter than the wait for a lock, half of a statement's time.
FILL_SECONDS = 0.5
# The statement's limit, a second more, and half a second to cancel it: first that of a request that
# has the thread, then its own.
LONGEST_SECONDS = 2 * (STATEMENT_SECONDS + 1.5) + PROBE_SECONDS
CLIENTS = {"/live": 1, "/ready": 1, "read": 12, "write": 4}
PAUSE_SECONDS = 0.1
NAME = "ports_outage"


class Answer(NamedTuple):
    second: int  # in which it was asked for
    said: str
    took: float


class Case(NamedTuple):
    url: str
    fault: Callable[[], AbstractContextManager[object]]


@contextmanager
def silent(server: Server) -> Iterator[Case]:
    yield Case(postgres.database(server.url, NAME), lambda: postgres.silent(server))


@contextmanager
def cut(server: Server, delay: float | None = None) -> Iterator[Case]:
    url = urlsplit(postgres.database(server.url, NAME))
    with proxy(server.port) as network:
        place = f"{url.username}:{url.password}@127.0.0.1:{network.port}"

        @contextmanager
        def fault() -> Iterator[None]:
            network.delay = delay
            yield
            network.delay = 0.0

        yield Case(url._replace(netloc=place).geturl(), fault)


@contextmanager
def slow(server: Server) -> Iterator[Case]:
    """A slow network, under a pool that is full.

    Over this network a new connection takes three seconds, and whoever waits for one for longer
    than a second gets 503. So each thread has one before: a lock makes all of them wait at once.
    """
    with locked(server) as lock, cut(server, delay=0.2) as case:

        @contextmanager
        def fault() -> Iterator[None]:
            with lock.fault():
                time.sleep(FILL_SECONDS)
            with case.fault():
                yield

        yield Case(case.url, fault)


@contextmanager
def locked(server: Server) -> Iterator[Case]:
    url = postgres.database(server.url, NAME)

    @contextmanager
    def fault() -> Iterator[None]:
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE port")
            yield

    yield Case(url, fault)


@contextmanager
def killed(server: Server) -> Iterator[Case]:
    @contextmanager
    def fault() -> Iterator[None]:
        server.stop("immediate")
        yield
        server.start()

    yield Case(postgres.database(server.url, NAME), fault)


@contextmanager
def pooled(server: Server) -> Iterator[Case]:
    with pgbouncer(server) as pooler:
        url = pooler + urlsplit(postgres.database(server.url, NAME)).path
        yield Case(url, lambda: postgres.silent(server))


@pytest.mark.parametrize("kind", [silent, cut, locked, slow, killed, pooled])
def test_a_lost_database_blocks_no_probe_and_no_thread(
    server: Server,
    tmp_path: Path,
    kind: Callable[[Server], AbstractContextManager[Case]],
) -> None:
    postgres.new_database(server.url, NAME, postgres.ports(server.url))
    with kind(server) as case:
        settings = {
            "PORTS_STORE_URL": case.url,
            "PORTS_WRITE_TOKEN": TOKEN,
            "PORTS_CACHE_SECONDS": "0",
            "PORTS_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
        }
        with service.running(tmp_path, **settings) as running:
            answers = watch(running, case.fault)
    print(f"\n{kind.__name__}, from second {BEFORE} to second {BEFORE + DURING}")
    print(table(answers))
    for path in ("/live", "/ready"):
        assert {answer.said.split()[0] for answer in answers[path]} == {"200"}
        assert max(answer.took for answer in answers[path]) < PROBE_SECONDS
    for what in ("read", "write"):
        assert {answer.said for answer in answers[what]} <= {"200", "201", "204", "503"}
        assert max(answer.took for answer in answers[what]) < LONGEST_SECONDS
        last = [answer for answer in answers[what] if answer.second == BEFORE + DURING + AFTER - 1]
        assert {answer.said for answer in last} <= {"200", "201"}, "not back after the fault"
    end = BEFORE + DURING - 1
    during = [each for each in answers["read"] if BEFORE < each.second < end - each.took]
    served = {answer.said for answer in during}
    assert served == ({"200"} if kind is slow else {"503"})


def watch(
    running: service.Service, fault: Callable[[], AbstractContextManager[object]]
) -> dict[str, list[Answer]]:
    """Return what clients got, by what they asked for."""
    answers: dict[str, list[Answer]] = defaultdict(list)
    began = time.monotonic()
    end = began + BEFORE + DURING + AFTER
    port = {"name": "Ajman", "city": "Ajman", "country": "United Arab Emirates"}
    write = {"json": port, "headers": {"Authorization": f"Bearer {TOKEN}"}}

    def ask(client: httpx.Client, what: str, number: int) -> None:
        while (asked := time.monotonic()) < end:
            if what == "write":
                got = client.put(f"/ports/XXAA{'ABCDEFGH'[number]}", **write)  # type: ignore[arg-type]
            else:
                got = client.get("/ports/AEAJM" if what == "read" else what)
            said = f"{got.status_code}"
            if what == "/ready":
                said += f" {got.json()['status']}"
            now = time.monotonic()
            answers[what].append(Answer(int(asked - began), said, now - asked))
            time.sleep(PAUSE_SECONDS)

    limits = httpx.Limits(max_keepalive_connections=0)  # a connection each, as kubelets ask
    with httpx.Client(base_url=running.url, timeout=60, limits=limits) as client:
        threads = [
            threading.Thread(target=ask, args=(client, what, number))
            for what, count in CLIENTS.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, began + BEFORE - time.monotonic()))
        with fault():
            time.sleep(max(0.0, began + BEFORE + DURING - time.monotonic()))
        for thread in threads:
            thread.join()
    return answers


def table(answers: dict[str, list[Answer]]) -> str:
    """Return a table in Markdown: what was asked for in each second, and the slowest answer."""
    lines = [f"| second | {' | '.join(CLIENTS)} |", f"|---|{'---|' * len(CLIENTS)}"]
    for second in range(BEFORE + DURING + AFTER):
        cells = []
        for what in CLIENTS:
            some = [answer for answer in answers[what] if answer.second == second]
            counts = Counter(answer.said for answer in some)
            said = ", ".join(f"{count}x {status}" for status, count in sorted(counts.items()))
            slowest = max((answer.took for answer in some), default=0.0)
            cells.append(f"{said}; {slowest:.2f} s" if some else "")
        lines.append(f"| {second} | {' | '.join(cells)} |")
    return "\n".join(lines)

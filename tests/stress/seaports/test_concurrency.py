"""Readers of the running service while imports go on beside it."""

import json
import threading
import time
from pathlib import Path

import httpx

from tests import postgres, service
from tests.support.thorough import scaled

READERS = scaled(16)
IMPORTS = scaled(40)
PAUSE_SECONDS = 0.01  # between two reads: imports need a part of the cores, too
SOME = [f"AAAA{last}" for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]


def data(version: int) -> bytes:
    port = {"name": f"Version {version}", "city": "x", "country": "Utopia"}
    return json.dumps(dict.fromkeys(SOME, port)).encode()


def test_no_reader_sees_half_an_import(postgres_server: str, tmp_path: Path) -> None:
    tables = postgres.tables(postgres_server)
    url = postgres.new_database(postgres_server, "ports_concurrency", tables)
    settings = {"PORTS_STORE_URL": url, "PORTS_CACHE_SECONDS": "0"}

    def imported(*versions: int) -> None:
        for version in versions:
            done = service.manage("import_ports", "-", settings=settings, stdin=data(version))
            assert done.returncode == 0, done.stderr.decode()

    imported(0)
    stop = threading.Event()
    seen: list[tuple[int, frozenset[str]]] = []
    failures: list[str] = []

    def read(running: service.Service) -> None:
        with httpx.Client(base_url=running.url, timeout=60) as client:
            while not stop.is_set():
                response = client.get("/ports?limit=1000")
                if response.status_code != httpx.codes.OK:
                    failures.append(response.text)
                    return
                items = response.json()["items"]
                seen.append((len(items), frozenset(port["name"] for port in items)))
                time.sleep(PAUSE_SECONDS)

    with service.running(tmp_path, **settings) as running:
        readers = [threading.Thread(target=read, args=(running,)) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        imported(*range(1, IMPORTS + 1))
        last = frozenset({f"Version {IMPORTS}"})
        deadline = time.monotonic() + service.DEADLINE_SECONDS
        while not failures and seen[-1][1] != last and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        stop.set()
        for reader in readers:
            reader.join(timeout=60)
    print(f"\n{len(seen)} reads by {READERS} readers during {IMPORTS} imports")
    assert failures == []
    assert {count for count, _ in seen} == {len(SOME)}
    assert all(len(names) == 1 for _, names in seen)
    assert len({names for _, names in seen}) > 1

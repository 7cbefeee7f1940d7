"""The service behind the real PgBouncer, which gives each transaction another connection."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from stack.postgresql import Server

from tests import postgres, service
from tests.database.pgbouncer import pgbouncer
from tests.support.over_postgres import TOKEN

PORT = {"name": "Ajman", "city": "Ajman", "country": "United Arab Emirates"}


@pytest.mark.parametrize("ignored", [(), ("options",)], ids=["refuses options", "drops options"])
def test_the_service_keeps_its_limits_behind_a_pooler(
    server: Server, tmp_path: Path, ignored: tuple[str, ...]
) -> None:
    direct = postgres.new_database(server.url, "ports_pooled")
    with pgbouncer(server, *ignored) as pooler:
        pooled = pooler + urlsplit(direct).path
        settings = {
            "PORTS_STORE_URL": pooled,
            "PORTS_WRITE_TOKEN": TOKEN,
            "PORTS_CACHE_SECONDS": "0",
            "PORTS_STATEMENT_SECONDS": "2",
            "PORTS_PODS": "1000",
        }
        # The check of all pods' connections leaves them to the pooler.
        for command in (("migrate", "-v0"), ("import_ports", "data/ports.json")):
            done = service.manage(*command, settings=settings)
            assert done.returncode == 0, done.stderr.decode()
        with service.running(tmp_path, **settings) as running:
            assert running.client.get("/ready").json()["ports"] == 1634
            assert running.client.get("/ports?limit=3").status_code == 200
            assert write(running).status_code == 201
            with psycopg.connect(direct) as other:
                other.execute("LOCK TABLE port")
                began = time.monotonic()
                read = running.client.get("/ports/AEAJM")
                took = time.monotonic() - began
                assert write(running).status_code == 503
            # The server's own words, before this side gives up after three seconds.
            assert read.json()["detail"] == "the database could not do it in time or at all"
            assert 0.9 < took < 2.9
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as next_client:
            for _ in range(8):
                assert next_client.execute("SHOW statement_timeout").fetchone() == ("0",)
                assert next_client.execute("SHOW lock_timeout").fetchone() == ("0",)


def write(running: service.Service) -> httpx.Response:
    return running.client.put(
        "/ports/XXAAA", json=PORT, headers={"Authorization": f"Bearer {TOKEN}"}
    )


def test_a_startup_option_that_the_pooler_refuses_is_reported(server: Server) -> None:
    with pgbouncer(server) as pooler:
        url = f"{pooler}/postgres?options=-c%20search_path%3Dpublic"
        done = service.manage("migrate", settings={"PORTS_STORE_URL": url})
    assert done.returncode != 0
    assert "unsupported startup parameter: options" in done.stderr.decode()

"""A connection's limits, on a real server."""

import time
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
from service.django.postgresql.connection import LimitedConnection
from stack.postgresql import Server

from tests import postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for this file alone, because a test stops its processes."""
    with postgres.cluster() as server:
        yield server


def limits(connection: LimitedConnection) -> list[str]:
    shown = [connection.execute(f"SHOW {name}") for name in ("statement_timeout", "lock_timeout")]
    return [value for cursor in shown for (value,) in cursor]


@pytest.mark.parametrize("options", ["", "-c statement_timeout=0 -c lock_timeout=7"])
def test_the_limits_hold_whatever_the_url_asks_for(server: Server, options: str) -> None:
    url = f"{server.url}?options={quote(options)}"
    with LimitedConnection.connect(url, statement_seconds=5, autocommit=True) as connection:
        assert connection.keeps_limits
        assert limits(connection) == ["5s", "2500ms"]


def test_limits_of_a_transaction_end_with_it(server: Server) -> None:
    with LimitedConnection.connect(server.url, statement_seconds=5, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        with connection.transaction():
            connection.limit()
            assert limits(connection) == ["5s", "2500ms"]
        assert limits(connection) == ["0", "2500ms"]


def test_a_silent_server_costs_a_bounded_time_and_the_connection(server: Server) -> None:
    with LimitedConnection.connect(server.url, statement_seconds=0.2) as connection:
        with postgres.silent(server):
            began = time.monotonic()
            with pytest.raises(psycopg.OperationalError, match=r"no answer within 1\.2 s"):
                connection.cursor().execute("SELECT 1")
            assert time.monotonic() - began < 3
        assert connection.closed


def test_an_abandoned_statement_is_cancelled_on_the_server(server: Server) -> None:
    # Without the limits of the server's own, which a pooler may have dropped.
    with LimitedConnection.connect(server.url, statement_seconds=0.2) as connection:
        cursor = connection.cursor()
        cursor.execute("SET statement_timeout = 0")
        with pytest.raises(psycopg.OperationalError, match="no answer"):
            cursor.execute("SELECT pg_sleep(60)")
    with psycopg.connect(server.url) as other:
        deadline = time.monotonic() + 10
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
        while other.execute(sleeping).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.1)

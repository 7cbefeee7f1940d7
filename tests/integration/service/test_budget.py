"""The connections of all pods, compared with the limits of a real PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests import postgres, service

# PostgreSQL allows 100 connections by default and reserves 3 of them for superusers.
DEFAULT = 97


@contextmanager
def limited(server: str, kind: str, name: str, most: int) -> Iterator[None]:
    """Limit the connections of a database or a role."""
    statement = sql.SQL("ALTER {} {} CONNECTION LIMIT {}")
    parts = sql.SQL("DATABASE" if kind == "DATABASE" else "ROLE"), sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.format(*parts, sql.Literal(most)))
        yield
        connection.execute(statement.format(*parts, sql.Literal(-1)))


def migrate(url: str, **settings: str) -> tuple[int, str]:
    given = {"PORTS_STORE_URL": url, **settings}
    done = service.manage("migrate", "-v0", settings=given)
    return done.returncode, done.stderr.decode()


@pytest.fixture
def url(postgres_server: str) -> str:
    """Return the URL of an empty database."""
    return postgres.new_database(postgres_server, "ports_budget")


def test_as_many_connections_as_the_server_allows_are_accepted(url: str) -> None:
    settings = {"PORTS_PODS": "12", "PORTS_POOL_SIZE": "8"}
    status, said = migrate(url, **settings)
    assert (status, "service.E004" in said) == (0, False), said


def test_a_migration_fails_before_pods_exhaust_the_server(url: str) -> None:
    status, said = migrate(url, PORTS_PODS="12", WEB_CONCURRENCY="4")
    assert status == 1
    assert (
        "(service.E004) 12 pods x 4 workers x 8 connections, and one for the migration, are 385; "
        f"the database allows {DEFAULT}" in said
    )
    assert "Lower PORTS_POOL_SIZE or the number of pods" in said
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'")
        assert tables.rowcount == 0, "the migration began"


@pytest.mark.parametrize("kind", ["DATABASE", "ROLE"])
def test_a_limit_of_the_database_or_of_the_role_counts(url: str, kind: str) -> None:
    with psycopg.connect(url) as connection:
        name = connection.info.dbname if kind == "DATABASE" else connection.info.user
    with limited(url, kind, name, 8):
        status, said = migrate(url)
    assert (status, "are 9; the database allows 8" in said) == (1, True)


def test_the_connections_to_a_replica_are_compared_with_its_own_limit(
    postgres_server: str, url: str
) -> None:
    """Any server has such a limit, whether it replays another one or not."""
    other = postgres.new_database(postgres_server, "ports_budget_of_replica")
    with psycopg.connect(other) as connection:
        name = connection.info.dbname
    assert migrate(url, PORTS_REPLICA_URL=other)[0] == 0
    with limited(postgres_server, "DATABASE", name, 7):
        status, said = migrate(url, PORTS_REPLICA_URL=other)
    assert status == 1
    assert "1 pods x 1 workers x 8 connections are 8; the replica allows 7" in said


def test_a_migration_does_not_wait_for_a_replica_that_is_away(url: str) -> None:
    away = f"postgresql://u@127.0.0.1:{service.free_port()}/d"
    done = service.manage("migrate", settings={"PORTS_STORE_URL": url, "PORTS_REPLICA_URL": away})
    assert done.returncode == 0
    assert b"(service.W001) the replica does not answer" in done.stderr

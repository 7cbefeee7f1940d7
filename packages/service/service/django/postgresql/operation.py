"""One operation on the database: bounded in time, refused while nobody is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from psycopg.errors import UndefinedTable

from service.django.postgresql.breaker import MESSAGE, Breaker
from service.django.postgresql.connection import LimitedConnection


@contextmanager
def operation(breaker: Breaker, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let the statements of one operation run within their limits.

    Args:
        breaker: That of this kind of operation.
        using: Django's alias of the database.

    Raises:
        Exception: The breaker's `away`: the database does not answer, does not do it in time, or
            has no tables.
    """
    way = breaker.enter()
    answered = True
    try:
        with _limited(using):
            yield
    except (OperationalError, InterfaceError) as error:
        answered = False
        # An answer, such as a timeout of a statement, has a SQLSTATE; silence has none.
        if getattr(error.__cause__, "sqlstate", None) is None:
            raise breaker.away(MESSAGE) from error
        raise breaker.away("the database could not do it in time or at all") from error
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable):
            raise breaker.away("the tables are missing: run manage.py migrate") from error
        raise
    finally:
        breaker.leave(way, answered=answered)


@contextmanager
def unlimited() -> Iterator[None]:
    """Lift all limits until the transaction ends: they are not meant for a file of unknown size."""
    held = _connection(DEFAULT_DB_ALIAS)
    before, held.wait_seconds = held.wait_seconds, None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
        yield
    finally:
        held.wait_seconds = before


@contextmanager
def _limited(using: str) -> Iterator[None]:
    held = _connection(using)
    if held.keeps_limits:
        yield
    else:
        with transaction.atomic(using=using):
            held.limit()
            yield


def _connection(using: str) -> LimitedConnection:
    connections[using].ensure_connection()
    return cast("LimitedConnection", connections[using].connection)

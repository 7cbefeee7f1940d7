"""One operation on the database: bounded in time, refused while nobody is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from django.db import InterfaceError, OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import UndefinedTable

from seaports.adapters.store.postgres.breaker import MESSAGE, Breaker
from seaports.adapters.store.postgres.connection import LimitedConnection
from seaports.domain.errors import StoreUnavailable

# One of each a process, as the pool is. A lock that stops one kind of operation does not stop the
# others: readers do not wait for writers, and the table of ports is not that of the revision.
READS: Final = Breaker()
WRITES: Final = Breaker()
STATE: Final = Breaker()


@contextmanager
def operation(breaker: Breaker) -> Iterator[None]:
    """Let the statements of one operation run within their limits.

    Raises:
        StoreUnavailable: The database does not answer, does not do it in time, or has no tables.
    """
    way = breaker.enter()
    answered = True
    try:
        with _limited():
            yield
    except (OperationalError, InterfaceError) as error:
        answered = False
        # An answer, such as a timeout of a statement, has a SQLSTATE; silence has none.
        if getattr(error.__cause__, "sqlstate", None) is None:
            raise StoreUnavailable(MESSAGE) from error
        raise StoreUnavailable("the database could not do it in time or at all") from error
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable):
            raise StoreUnavailable("the tables are missing: run manage.py migrate") from error
        raise
    finally:
        breaker.leave(way, answered=answered)


@contextmanager
def unlimited() -> Iterator[None]:
    """Lift all limits until the transaction ends: they are not meant for a file of unknown size."""
    held = _connection()
    before, held.wait_seconds = held.wait_seconds, None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
        yield
    finally:
        held.wait_seconds = before


@contextmanager
def _limited() -> Iterator[None]:
    held = _connection()
    if held.keeps_limits:
        yield
    else:
        with transaction.atomic():
            held.limit()
            yield


def _connection() -> LimitedConnection:
    connection.ensure_connection()
    return cast("LimitedConnection", connection.connection)

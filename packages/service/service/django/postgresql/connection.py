"""A connection to PostgreSQL whose time limits hold, whatever lies between here and the server.

The server's own limits end a statement while the server works. They do nothing if the server is
silent, and a pooler such as PgBouncer drops them. So each wait has a bound on this side too, and
the server is asked which limits it keeps.
"""

from contextlib import suppress
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

# Seconds that the server's own limit may take to arrive before this side gives up.
MARGIN_SECONDS: Final = 1.0
# Seconds that a statement without work may take: the pool sends one before it lends a connection.
CHECK_SECONDS: Final = 1.0
_CANCEL_SECONDS: Final = 0.5

_LIMIT: Final = """
SELECT set_config('statement_timeout', %(statement)s, %(local)s),
       set_config('lock_timeout', %(lock)s, %(local)s)
"""
_IN_FORCE: Final = """
SELECT setting FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') ORDER BY name
"""

_T = TypeVar("_T")


class LimitedConnection(psycopg.Connection[TupleRow]):
    """A connection that ends each statement, and each wait for the server.

    Attributes:
        wait_seconds: How long one statement may go unanswered; None for ever.
        keeps_limits: Whether the server keeps the limits from one transaction to the next. If not,
            each transaction begins with `limit()`.
    """

    wait_seconds: float | None = CHECK_SECONDS
    keeps_limits = False
    _limits: tuple[str, str]

    @classmethod
    def connect(  # type: ignore[override] # by keyword, from Django's OPTIONS
        cls, conninfo: str = "", *, statement_seconds: float, **kwargs: Any
    ) -> Self:
        """Connect, and set the limits.

        Args:
            conninfo: As psycopg's own.
            statement_seconds: Longest that the server may work on a statement. It waits for a lock
                half as long, so that who waits for another writer gives up before who works does.
            kwargs: As psycopg's own.

        Raises:
            psycopg.OperationalError: The server does not answer, or refuses.
        """
        connection = super().connect(conninfo, **kwargs)
        try:
            connection.ask_for_limits(statement_seconds)
        except BaseException:
            connection.close()
            raise
        return connection

    def ask_for_limits(self, statement_seconds: float) -> None:
        """Set the limits for the session where this connection has a server process of its own.

        Behind a pooler they would stay with whichever server process had the statement, and hold
        for its next client. A pooler gives each client a number of its own making.
        """
        self._limits = (f"{statement_seconds * 500:.0f}", f"{statement_seconds * 1000:.0f}")
        # Not the pool's kind of cursor, whose statements are traced and counted.
        with psycopg.Cursor(self) as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            if cursor.fetchone() == (self.info.backend_pid,):
                self.limit(local=False)
                cursor.execute(_IN_FORCE)
                self.keeps_limits = tuple(value for (value,) in cursor) == self._limits
        self.wait_seconds = statement_seconds + MARGIN_SECONDS

    def limit(self, *, local: bool = True) -> None:
        """Have the server keep the limits: until the transaction ends or, not local, for ever."""
        lock, statement = self._limits
        with psycopg.Cursor(self) as cursor:
            cursor.execute(_LIMIT, {"statement": statement, "lock": lock, "local": local})

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[TupleRow]:
        """Execute what takes the server no time: the pool's check of a connection."""
        before, self.wait_seconds = self.wait_seconds, CHECK_SECONDS
        try:
            return super().execute(*args, **kwargs)
        finally:
            self.wait_seconds = before

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for the server; if it is silent, cancel what it does and close the connection.

        psycopg calls this for each statement, each batch of rows, and each end of a transaction.

        Raises:
            psycopg.OperationalError: The server was silent for too long.
        """
        bound = self.wait_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, bound)
        except psycopg.OperationalError as error:
            if timeout is not None or error.sqlstate is not None or self.closed:
                raise
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=_CANCEL_SECONDS)
            self.close()
            raise psycopg.OperationalError(f"no answer within {bound:g} s") from None

"""A read replica of the database, and whether it is fresh enough to be read."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final, NamedTuple, cast

from django.db import DEFAULT_DB_ALIAS, connections
from telemetry import names
from telemetry.metrics import counter

from service.django.postgresql.breaker import Breaker
from service.django.postgresql.operation import operation
from service.django.postgresql.settings import REPLICA

CHECK_SECONDS: Final = 0.2

# Bytes of the write-ahead log since its beginning. NULL: the server is no replica.
_POSITION: Final = {
    DEFAULT_DB_ALIAS: "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint",
    REPLICA: "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint",
}


class Positions:
    """Asks both servers for their positions."""

    def __init__(self, away: type[Exception]) -> None:
        """Connect to nothing yet.

        Args:
            away: What the service raises while a database does not answer.
        """
        self._away = away
        self._breakers = {alias: Breaker(away) for alias in _POSITION}

    def __call__(self, alias: str) -> int | None:
        """Return the position of the database with Django's alias; None if it has or says none."""
        try:
            with operation(self._breakers[alias], alias), connections[alias].cursor() as cursor:
                cursor.execute(_POSITION[alias])
                (position,) = cursor.fetchone()
                return cast("int | None", position)
        except self._away:
            return None
        finally:
            connections[alias].close()  # back to the pool: here no request ends


class _Sample(NamedTuple):
    """Where the primary was.

    Attributes:
        at: When it was asked, on the monotonic clock.
        position: Its position in the write-ahead log.
        writes: This process's writes that it had by then.
    """

    at: float
    position: int
    writes: int


class Replica:
    """Compares the positions of primary and replica, in a thread that no request waits for.

    The replica has all that the primary had when the primary was at a position that the replica has
    reached. So the clocks of both servers, and what the replica knows of the primary, do not count.
    """

    def __init__(
        self, lag_seconds: float, away: type[Exception], position: Callable[[str], int | None]
    ) -> None:
        """Ask nothing yet.

        Args:
            lag_seconds: Longest time by which a read may be late.
            away: What the service raises while a database does not answer.
            position: Asks a server, by its alias, as `Positions` does.
        """
        self.reads = Breaker(away)
        self._lag = lag_seconds
        self._position = position
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replica")
        self._lock = Lock()
        self._check_at = 0.0
        self._writes = 0
        self._samples: list[_Sample] = []
        self._reached: _Sample | None = None
        self._answered = 0
        # The answered writes by the time that the primary was away; None: it is there.
        self._alone: int | None = None

    def wrote(self, *, answered: bool) -> None:
        """Say that this process wrote, so that its reads need a replica that has the write.

        Args:
            answered: Whether the primary answered. If not, it may have the write too.
        """
        with self._lock:
            self._writes += 1
            self._answered += answered

    def is_fresh(self) -> bool:
        """Return whether a read may go to the replica: never before this process's last write.

        True too while the primary does not answer, however late the replica is.
        """
        now = time.monotonic()
        if now >= self._check_at:
            with self._lock:
                if now >= self._check_at:
                    self._check_at = float("inf")
                    self._thread.submit(self._check)
        reached = self._reached
        if self._alone == self._answered or (
            reached is not None and reached.writes == self._writes and now - reached.at <= self._lag
        ):
            return True
        counter(names.REPLICA_FALLBACKS).labels("not_fresh").inc()
        return False

    def failed(self) -> None:
        """Say that the replica did not answer a read."""
        counter(names.REPLICA_FALLBACKS).labels("away").inc()

    def _check(self) -> None:
        try:
            began, writes, answered = time.monotonic(), self._writes, self._answered
            written = self._position(DEFAULT_DB_ALIAS)
            replayed = self._position(REPLICA)
            if written is not None:
                self._samples.append(_Sample(began, written, writes))
            self._samples = [each for each in self._samples if began - each.at <= self._lag]
            reached = [
                each for each in self._samples if replayed is not None and each.position <= replayed
            ]
            self._reached = reached[-1] if reached else None
            self._alone = answered if written is None and replayed is not None else None
        finally:
            self._check_at = time.monotonic() + CHECK_SECONDS

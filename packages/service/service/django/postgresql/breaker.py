"""Fails fast while the database is known not to answer."""

import time
from threading import Lock
from typing import Final, NamedTuple

RETRY_SECONDS: Final = 1.0
MESSAGE: Final = "the database does not answer"


class Try(NamedTuple):
    """A caller's way in.

    Attributes:
        answers: How many answers there had been.
        alone: Whether the others are refused until this caller leaves.
    """

    answers: int
    alone: bool


class Breaker:
    """Lets one caller at a time try, a second after the last failure, and refuses the others.

    Without it each request would hold its thread until the database's time is over. A service has
    one a process for each kind of operation: a lock that stops one kind does not stop the others.

    Attributes:
        away: What the service raises while the database does not answer.
    """

    def __init__(self, away: type[Exception]) -> None:
        """Start closed: everybody may try.

        Args:
            away: An error of the service's domain, which is made with one text.
        """
        self.away = away
        self._lock = Lock()
        self._retry_at: float | None = None  # None: closed
        self._tried = False
        self._answers = 0

    @property
    def is_open(self) -> bool:
        """Whether callers are refused, but for the one that tries."""
        return self._retry_at is not None

    def enter(self) -> Try:
        """Return the caller's way in, which it gives back to `leave`.

        Raises:
            Exception: `away`; the database did not answer a moment ago, or another caller tries.
        """
        if self._retry_at is None:  # without the lock: on each request's way
            return Try(self._answers, alone=False)
        with self._lock:
            alone = self._retry_at is not None
            if alone and (self._tried or time.monotonic() < self._retry_at):
                raise self.away(MESSAGE)
            self._tried = alone
            return Try(self._answers, alone)

    def leave(self, way: Try, *, answered: bool) -> None:
        """Say whether the database answered.

        One failure among answers, such as a statement that is too slow, opens nothing: only a
        failure during which nobody was answered does.
        """
        if answered:
            self._answers += 1
            if self._retry_at is None:
                return
        with self._lock:
            if way.alone:
                self._tried = False
            if answered:
                self._retry_at = None
            elif way.answers == self._answers:
                self._retry_at = time.monotonic() + RETRY_SECONDS

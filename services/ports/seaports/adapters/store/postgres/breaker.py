"""Fails fast while the database is known not to answer."""

import time
from threading import Lock
from typing import Final

from seaports.domain.errors import StoreUnavailable

RETRY_SECONDS: Final = 1.0
MESSAGE: Final = "the database does not answer"


class Breaker:
    """Lets one caller in a second try, and refuses the others at once.

    Without it every request would hold its thread until the pool gives up, and probes, which need
    a thread too, would wait behind them until the whole service is restarted for its database.
    """

    def __init__(self) -> None:
        """Start closed: everybody may try."""
        self._lock = Lock()
        self._retry_at: float | None = None

    def enter(self) -> None:
        """Return if the caller may try.

        Raises:
            StoreUnavailable: The database did not answer a moment ago.
        """
        if self._retry_at is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._retry_at is not None and now < self._retry_at:
                raise StoreUnavailable(MESSAGE)
            self._retry_at = now + RETRY_SECONDS

    def failed(self) -> None:
        """Say that the database did not answer."""
        with self._lock:
            self._retry_at = time.monotonic() + RETRY_SECONDS

    def answered(self) -> None:
        """Say that the database answered."""
        if self._retry_at is not None:
            with self._lock:
                self._retry_at = None

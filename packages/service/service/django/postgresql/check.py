"""Asks the database on behalf of probes, which do not wait for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import Final, Generic, TypeVar

from django.db import connection

from service.django.postgresql.breaker import MESSAGE

# Kubernetes gives a probe a second by default.
PROMPT_SECONDS: Final = 0.8

_T = TypeVar("_T")


class PromptCheck(Generic[_T]):
    """A question to the database, asked in one thread however many callers there are."""

    def __init__(self, ask: Callable[[], _T], away: type[Exception]) -> None:
        """Ask nothing yet.

        Args:
            ask: Returns the answer; its statements may take their time.
            away: What is raised where there is no answer yet.
        """
        self._away = away
        self._ask = ask
        self._lock = Lock()
        self._asked: Future[_T] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="check")

    def __call__(self) -> _T:
        """Return the answer, or one that came after an earlier caller had gone.

        Raises:
            Exception: `away`, or what `ask` raised.
        """
        with self._lock:
            if self._asked is None:
                self._asked = self._thread.submit(copy_context().run, self._ask_and_release)
            asked = self._asked
        try:
            return asked.result(PROMPT_SECONDS)
        except TimeoutError:
            raise self._away(MESSAGE) from None
        finally:
            with self._lock:
                if asked.done() and self._asked is asked:
                    self._asked = None

    def _ask_and_release(self) -> _T:
        try:
            return self._ask()
        finally:
            connection.close()  # back to the pool: here no request ends, after which Django does it

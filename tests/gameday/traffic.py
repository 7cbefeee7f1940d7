"""Steady traffic: clients that ask at fixed times, however slow or failing the answers are."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

CLIENTS: Final = 10
PERIOD_SECONDS: Final = 0.5  # of each client: longer than the latency that a game day injects
PATHS: Final = ("/ports/AEAJM", "/ports?limit=10")
NO_ANSWER: Final = 0


@dataclass(frozen=True)
class Answer:
    """One request and what came of it.

    Attributes:
        at: When it was sent, in seconds of Unix time.
        path: What was asked for.
        trace_id: The trace that it began.
        status: Of the response; NO_ANSWER if none came.
        seconds: Until the last byte.
    """

    at: float
    path: str
    trace_id: str
    status: int
    seconds: float


class Traffic:
    """Twenty requests a second, each with a trace of its own, all kept."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._answers: list[Answer] = []
        self._numbers = itertools.count(1)
        self._stop = threading.Event()
        self.began = time.time()
        self._threads = [
            threading.Thread(target=self._drive, args=(client,), daemon=True)
            for client in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each client end its last request."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_steady(self, seconds: float) -> None:
        """Return once the traffic has lasted for so long."""
        time.sleep(max(0.0, self.began + seconds - time.time()))

    def between(self, begin: float, end: float) -> list[Answer]:
        """Requests sent in a time, those whose answer is still awaited left out."""
        return [answer for answer in list(self._answers) if begin <= answer.at < end]

    def first(self, since: float, fits: Callable[[Answer], bool]) -> Answer:
        """Earliest request since a time that fits; LookupError if there is none yet."""
        for answer in sorted(self.between(since, time.time()), key=lambda answer: answer.at):
            if fits(answer):
                return answer
        raise LookupError(f"no such request among {len(self._answers)}")

    def _drive(self, client: int) -> None:
        due = self.began + PERIOD_SECONDS * client / CLIENTS
        with httpx.Client(base_url=self._base_url, timeout=30) as http:
            while not self._stop.wait(max(0.0, due - time.time())):
                self._answers.append(self._ask(http, PATHS[client % len(PATHS)]))
                due += PERIOD_SECONDS

    def _ask(self, http: httpx.Client, path: str) -> Answer:
        trace_id = f"{next(self._numbers):032x}"
        headers = {"traceparent": f"00-{trace_id}-00000000000000aa-01"}
        began = time.time()
        try:
            status = http.get(path, headers=headers).status_code
        except httpx.TransportError:
            status = NO_ANSWER
        return Answer(began, path, trace_id, status, time.time() - began)


def p99(answers: list[Answer]) -> float:
    """99th percentile of the seconds that answers took."""
    ordered = sorted(answer.seconds for answer in answers)
    return ordered[int(0.99 * (len(ordered) - 1))]

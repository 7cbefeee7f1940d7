import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from telemetry import exposition


@contextmanager
def another_thread() -> Iterator[list[float]]:
    """Yield what grows with each turn of a thread that nobody interrupts another for."""
    turns: list[float] = []
    stop, before = threading.Event(), sys.getswitchinterval()

    def run() -> None:
        while not stop.is_set():
            turns.append(time.monotonic())
            time.sleep(0)

    thread = threading.Thread(target=run)
    sys.setswitchinterval(60)
    try:
        thread.start()
        yield turns
    finally:
        stop.set()
        sys.setswitchinterval(before)
        thread.join()


def test_a_client_that_asks_for_no_version_there_is_gets_the_plain_format() -> None:
    plain, _ = exposition.render("")
    for accept in ("text/plain; version=x", "application/openmetrics-text; version=x"):
        assert exposition.render(accept)[0] == plain

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Gauge, generate_latest
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


def test_a_scrape_lets_requests_go_on_while_it_is_written() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("berths", "Berths.", ["port"], registry=registry)
    for number in range(2_000):
        gauge.labels(str(number)).set(number)
    with another_thread() as turns:
        before = len(turns)
        plain = generate_latest(registry)
        kept_waiting = len(turns) - before
        with_breaks = generate_latest(exposition._Unhurried(registry))
        went_on = len(turns) - before - kept_waiting
    assert with_breaks == plain
    assert went_on > 20 > kept_waiting

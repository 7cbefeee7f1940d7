import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder
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


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_a_scrape_lets_requests_go_on_while_it_is_written(
    monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("berths", "Berths.", ["port"], registry=registry)
    for number in range(2_000):
        gauge.labels(str(number)).set(number)
    monkeypatch.setattr(exposition, "_registry", lambda: registry)
    monkeypatch.setattr(exposition, "_last_writer", None)
    encode, content_type = choose_encoder(accept)
    with another_thread() as turns:
        before = len(turns)
        plain = encode(registry)
        kept_waiting = len(turns) - before
        found = exposition.render(accept)
        went_on = len(turns) - before - kept_waiting
    assert found == (content_type, plain)
    assert went_on > 20 > kept_waiting


def test_a_client_that_asks_for_no_version_there_is_gets_the_plain_format() -> None:
    plain, _ = exposition.render("")
    for accept in ("text/plain; version=x", "application/openmetrics-text; version=x"):
        assert exposition.render(accept)[0] == plain

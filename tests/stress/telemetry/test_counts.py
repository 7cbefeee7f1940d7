"""Counts are exact under any number of workers, and through their deaths."""

import os
import random
import signal
import socket
import string
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import (
    Load,
    Receiver,
    Sample,
    Server,
    wait_for,
)
from tests.support.thorough import scaled

ROUTE = "/ports/{id}"


def falls(before: dict[Sample, float], after: dict[Sample, float]) -> list[Sample]:
    """Return the counters that went down or vanished between two scrapes."""
    return [
        sample
        for sample, value in before.items()
        if sample[0].endswith(("_total", "_count", "_sum", "_bucket"))
        and after.get(sample, -1.0) < value
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_counted_equals_completed_by_scrape_and_by_otlp(
    serve: Callable[..., Server], receiver: Receiver, workers: int
) -> None:
    server = serve(WEB_CONCURRENCY=str(workers), **receiver.environment())
    answered = Counter[str]()

    def all_workers_answered() -> bool:
        answered[server.get("/ports/AEAJM").json()["pid"]] += 1
        return len(answered) == workers

    wait_for("an answer of each worker", all_workers_answered)
    load = Load(server.port, clients=16, requests_each=50).start().join()
    assert load.completed == {200: 16 * 50}
    asked = 16 * 50 + answered.total()
    # The response's last byte may be on its way before the last file is read.
    wait_for("all are counted", lambda: server.counted(http_route=ROUTE) == asked)
    server.stop()
    by_otlp = receiver.histogram_counts(names.OTLP_HTTP_DURATION)
    assert by_otlp[ROUTE] == asked
    # Metrics that /metrics has as well would count twice.
    assert not receiver.metric_names() & {"http.server.active_requests"}
    assert len(receiver.instances()) == workers
    print(f"{workers} workers: asked and scraped {asked}, by OTLP {by_otlp[ROUTE]}")


def test_fifty_scrapes_stay_monotone_while_a_worker_is_killed_in_flight(
    serve: Callable[..., Server],
) -> None:
    server = serve(WEB_CONCURRENCY="4", METRICS_PORT=str(free_port()), THREADS="4")
    load = Load(server.port, clients=16, path="/slow?seconds=0.02", pause_seconds=0.02).start()
    try:
        wait_for("load flows", lambda: load.completed[200] > 50)
        previous = server.scrape()
        kills = 0
        for scrape in range(50):
            # A worker may be idle when it dies: the first kills go on until one cut a request.
            if scrape in (10, 15, 20, 25) and load.broken + load.reset_before == 0:
                os.kill(min(server.workers()), signal.SIGKILL)
                kills += 1
            current = server.scrape()
            assert falls(previous, current) == []
            previous = current
        wait_for("four workers", lambda: len(server.workers()) == 4)
    finally:
        load.stop.set()
        load.join()
    completed = load.completed[200]
    cut = load.broken + load.reset_before
    counted = wait_for(
        "all are counted",
        lambda: (n := server.counted(http_route="/slow")) >= completed and n,
    )
    print(
        f"{kills} kills: completed {completed} <= counted {counted:.0f} <= {completed} + {cut} cut"
    )
    assert cut > 0, "the kill hit no request"
    assert completed <= counted <= completed + cut


def value_files(server: Server) -> list[Path]:
    """Return the files in the directory whose files the workers have open."""
    opened = [Path(file.path) for file in psutil.Process(server.workers()[0]).open_files()]
    (directory,) = {file.parent for file in opened if file.suffix == ".db"}
    return sorted(directory.iterdir())


def kill_and_await_successor(server: Server, number: signal.Signals) -> None:
    before = set(server.workers())
    victim = min(before)
    os.kill(victim, number)
    wait_for(
        "a successor",
        lambda: len(now := set(server.workers())) == len(before) and victim not in now,
    )


def test_files_do_not_grow_with_deaths_nor_with_reloads_and_nothing_is_lost(
    serve: Callable[..., Server],
) -> None:
    server = serve(WEB_CONCURRENCY="2", METRICS_PORT=str(free_port()))
    asked = 0

    def ask() -> None:
        nonlocal asked
        for _ in range(8):
            assert server.get("/ports/AEAJM").status == 200
            asked += 1

    def reload() -> None:
        before = set(server.workers())
        server.signal(signal.SIGHUP)
        wait_for(
            "two new workers",
            lambda: len(now := set(server.workers())) == 2 and not now & before,
        )

    # Two generations overlap in a reload: four slots are the most that ever live together.
    ask()
    reload()
    ask()
    reload()
    ask()
    files = value_files(server)
    for _ in range(3):
        kill_and_await_successor(server, signal.SIGKILL)
        ask()
    reload()
    ask()
    reload()
    ask()
    assert value_files(server) == files
    slots = {path.stem.rsplit("_", 1)[1] for path in files}
    print(f"{len(files)} files of slots {sorted(slots)} after 3 deaths and 4 reloads")
    assert slots <= {"0", "1", "2", "3", "4"}
    wait_for("all are counted", lambda: server.counted(http_route=ROUTE) == asked)
    directory = files[0].parent
    server.stop()
    assert not directory.exists()


def test_a_worker_that_stops_answering_is_killed_and_counted(
    serve: Callable[..., Server],
) -> None:
    server = serve(TIMEOUT_SECONDS="2", METRICS_PORT=str(free_port()))
    timeouts = ("http_server_worker_timeouts_total", ())
    assert server.scrape()[timeouts] == 0
    victim = server.workers()[0]
    kill_and_await_successor(server, signal.SIGSTOP)
    wait_for("it is counted", lambda: server.scrape()[timeouts] == 1)
    (line,) = server.events(names.WORKER_TIMEOUT_EVENT)
    assert (line["level"], line["pid"]) == ("error", victim)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_metrics_port_answers_when_every_thread_is_busy_and_through_deaths_and_reloads(
    serve: Callable[..., Server], workers: int
) -> None:
    server = serve(WEB_CONCURRENCY=str(workers), THREADS="2", METRICS_PORT=str(free_port()))
    load = Load(server.port, clients=2 * workers + 2, path="/slow?seconds=0.5").start()
    try:
        wait_for(
            "every thread is busy",
            lambda: server.scrape()[("http_server_threads_busy", ())] == 2 * workers,
        )
        kill_and_await_successor(server, signal.SIGKILL)
        assert server.scrape()
        before = set(server.workers())
        server.signal(signal.SIGHUP)
        scrapes = 0
        while set(server.workers()) & before:
            assert server.scrape()
            scrapes += 1
            time.sleep(0.02)  # leave CPU for the successor to start
        assert scrapes > 1
    finally:
        load.stop.set()
        load.join()


def test_one_worker_at_a_time_serves_the_metrics_port_so_that_a_reload_is_one_reset(
    serve: Callable[..., Server],
) -> None:
    server = serve(METRICS_PORT=str(free_port()))
    for _ in range(5):
        server.get("/ports/AEAJM")
    slow = Load(server.port, clients=1, path="/slow?seconds=1", requests_each=1).start()
    before = set(server.workers())
    server.signal(signal.SIGHUP)
    seen = []
    while set(server.workers()) & before:
        seen.append(server.counted(http_route=ROUTE))
    slow.join()
    seen.append(server.counted(http_route=ROUTE))
    assert seen == sorted(seen, reverse=True), "the old registry came back after the new one"
    assert seen[-1] == 0
    assert slow.completed == {200: 1}


def test_no_client_text_reaches_a_label_and_label_sets_stay_few(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(**receiver.environment())
    server.get("/ports/AEAJM")
    before = {
        labels for (name, labels) in server.scrape() if name.endswith("_duration_seconds_count")
    }
    chance = random.Random(1)  # noqa: S311 -- the same requests in each run

    def word() -> str:
        return "zz" + "".join(chance.choices(string.ascii_letters, k=8))

    total, per_connection = scaled(10_000), 50
    for first in range(0, total, per_connection):
        requests = []
        for number in range(first, first + per_connection):
            method = chance.choice([*sorted(names.METHODS - {"CONNECT"}), word().upper()])
            host = chance.choice(["127.0.0.1", "localhost", f"{word()}.example"])
            last = number == first + per_connection - 1
            requests.append(
                f"{method} /{word()}/{number}?{word()} HTTP/1.1\r\nHost: {host}\r\n"
                f"User-Agent: {word()}\r\nX-Request-ID: {word()}\r\n"
                f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n"
            )
        # One after the other on one connection, without waiting: most of the time was the client's.
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall("".join(requests).encode())
            while connection.recv(65536):
                pass
    scrape = server.scrape()
    after = {labels for (name, labels) in scrape if name.endswith("_duration_seconds_count")}
    print(f"{total} random requests: {len(after - before)} further label sets")
    assert 0 < len(after - before) <= 30
    assert server.counted(scrape, http_route=names.ROUTE_UNMATCHED) == total
    assert not [labels for _, labels in scrape if any("zz" in value for _, value in labels)]
    server.stop()
    points = [
        point
        for export in receiver.metrics
        for resource in export.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in [*metric.exponential_histogram.data_points, *metric.sum.data_points]
    ]
    assert points
    assert "zz" not in str([point.attributes for point in points]).lower()

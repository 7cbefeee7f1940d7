"""Counts are exact under load, whatever the number of workers, and while one is killed."""

import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import Load, Receiver, Sample, Server, wait_for

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

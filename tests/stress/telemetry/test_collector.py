"""A Collector that is dead, slow, or back: the service does not notice, and says so once."""

import statistics
import time
from collections.abc import Callable

import psutil
import pytest
from telemetry import names

from tests.support.harness import Load, Receiver, Server, wait_for


def exporter_lines(server: Server) -> list[str]:
    return [
        line["event"]
        for line in server.lines()
        if line["logger"].startswith(("opentelemetry", "urllib3"))
    ]


def p99(load: Load) -> float:
    return statistics.quantiles(load.latencies, n=100)[98]


@pytest.mark.timeout(300)  # 30 s of waits, and a machine may be busy
def test_spans_flow_again_after_a_collector_was_dead_and_slow(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    # A queue of 64 and a timeout of 1 s have the same effects as 2,048 and 10 s.
    server = serve(
        OTEL_BSP_MAX_QUEUE_SIZE="64",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="32",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        **receiver.environment(),
    )
    started = time.monotonic()
    figures = {}

    def run(state: str) -> None:
        load = Load(server.port, clients=4, requests_each=200, keep_alive=True).start().join()
        assert load.completed == {200: 800}, state
        rss = psutil.Process(server.workers()[0]).memory_info().rss / 2**20
        figures[state] = (p99(load) * 1000, rss)

    run("warming up")
    run("up")
    wait_for("spans arrive", receiver.spans)
    receiver.down()
    run("dead")
    receiver.up()
    receiver.answer(answering=False)
    run("slow")
    receiver.answer(answering=True)
    seen = len(receiver.spans())

    def flows_again() -> bool:
        server.get("/ports/AEAJM")
        return len(receiver.spans()) > seen

    wait_for("spans flow again", flows_again)
    for state, (latency, rss) in figures.items():
        print(f"Collector {state}: p99 {latency:.1f} ms, RSS {rss:.1f} MiB")
    assert figures["slow"][1] < figures["up"][1] + 20, "memory is not bounded"
    minutes = (time.monotonic() - started) / 60
    lines = exporter_lines(server)
    print(f"{len(lines)} lines about it in {minutes * 60:.0f} s")
    assert 1 <= len(lines) <= 1 + int(minutes)


# Both ways in each run: `make test-stock` and `make test` differ in the rest of the suite.
BOTH_WAYS = pytest.mark.parametrize("accelerated", ["true", "false"])


def collector_lines(server: Server) -> list[tuple[int, str]]:
    return [
        (line["rejected"], line["reason"])
        for line in server.lines()
        if line["event"] == names.COLLECTOR_EVENT
    ]


@BOTH_WAYS
def test_a_collector_that_answers_without_end_does_not_grow_the_process(
    serve: Callable[..., Server], receiver: Receiver, accelerated: str
) -> None:
    server = serve(TELEMETRY_FAST=accelerated, **receiver.environment())
    server.get("/ports/AEAJM")
    wait_for("spans arrive", receiver.spans)
    worker = psutil.Process(server.workers()[0])
    before = worker.memory_info().rss
    receiver.endless = True
    for _ in range(3):  # each answer without end is over before the next request is sent
        sent = len(receiver.traces)

        def is_sent(sent: int = sent) -> bool:
            server.get("/ports/AEAJM")
            return len(receiver.traces) > sent

        wait_for("spans are sent on", is_sent)
    grown = (worker.memory_info().rss - before) / 2**20
    print(f"RSS grew by {grown:.1f} MiB")
    assert grown < 20
    assert collector_lines(server) == [(0, "the answer is longer than 65536 bytes")]


@BOTH_WAYS
def test_spans_that_a_collector_rejects_are_a_line_once_a_minute(
    serve: Callable[..., Server], receiver: Receiver, accelerated: str
) -> None:
    server = serve(TELEMETRY_FAST=accelerated, **receiver.environment())
    receiver.rejected = 3
    for number in (1, 2, 3):
        server.get("/ports/AEAJM")

        def is_sent(number: int = number) -> bool:
            return len(receiver.traces) >= number

        wait_for(f"batch {number}", is_sent)
    wait_for("the line", lambda: collector_lines(server))
    assert collector_lines(server) == [(3, "too old")]

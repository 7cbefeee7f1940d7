"""A Collector that is dead, slow, or back: the service does not notice, and says so once."""

import statistics
import time
from collections.abc import Callable

import psutil

from tests.integration.telemetry.harness import Load, Receiver, Server, wait_for


def exporter_lines(server: Server) -> list[str]:
    return [
        line["event"]
        for line in server.lines()
        if line["logger"].startswith(("opentelemetry", "urllib3"))
    ]


def p99(load: Load) -> float:
    return statistics.quantiles(load.latencies, n=100)[98]


def test_spans_flow_again_after_a_collector_was_dead_and_slow(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    # A queue of 64 and a time-out of 1 s make the same things happen as 2,048 and 10 s do.
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

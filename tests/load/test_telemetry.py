"""Figures of telemetry under load: ratios of medians over rounds that take turns."""

import statistics
from collections import defaultdict
from pathlib import Path

import psutil
import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import Load, Receiver, serving, wait_for

ROUNDS = 15


def p99(load: Load) -> float:
    return statistics.quantiles(load.latencies, n=100)[98]


@pytest.mark.timeout(600)
def test_p99_is_the_same_whatever_the_collector_does(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.up()
    figures = defaultdict(list)
    with serving(tmp_path, descriptors=None, **receiver.environment()) as server:
        worker = psutil.Process(server.workers()[0])

        def measure(state: str) -> None:
            load = Load(
                server.port, clients=4, requests_each=250, keep_alive=True, pause_seconds=0.005
            )
            load.start().join()
            assert load.completed == {200: 1000}
            if state:
                figures[state].append((p99(load) * 1000, worker.memory_info().rss / 2**20))

        measure("")
        for _ in range(ROUNDS):
            measure("up")
            receiver.down()
            measure("dead")
            receiver.up()
            receiver.answer(answering=False)
            measure("slow")
            receiver.answer(answering=True)
        seen = len(receiver.spans())
        wait_for("spans flow again", lambda: len(receiver.spans()) > seen or server.get("/slow"))
    receiver.down()
    ratios = {
        state: statistics.median(
            here / up for (here, _), (up, _) in zip(runs, figures["up"], strict=True)
        )
        for state, runs in figures.items()
    }
    for state, runs in figures.items():
        print(
            f"Collector {state}: median p99 {statistics.median(p for p, _ in runs):.2f} ms, median "
            f"ratio to up in the same round {ratios[state]:.2f}, RSS {runs[-1][1]:.1f} MiB "
            f"(rounds {' '.join(f'{p:.1f}' for p, _ in runs)})"
        )
    assert ratios["dead"] <= 1.25
    assert ratios["slow"] <= 1.25


@pytest.mark.timeout(600)
@pytest.mark.parametrize("connections", [8, 32, 128])
def test_the_sli_measures_the_latency_of_clients(tmp_path: Path, connections: int) -> None:
    with serving(tmp_path, THREADS="8", METRICS_PORT=str(free_port())) as server:
        load = Load(
            server.port,
            clients=connections,
            path="/slow?seconds=0.02",
            requests_each=2048 // connections,
            keep_alive=True,
        )
        load.start().join()
        wait_for("all are counted", lambda: server.counted(http_route="/slow") == 2048)
        scrape = server.scrape()
    sums = {
        family: sum(
            value
            for (name, labels), value in scrape.items()
            if name == f"{family}_sum"
            and (family != names.HTTP_SERVER_DURATION or ("http_route", "/slow") in labels)
        )
        / 2048
        for family in (names.HTTP_SERVER_DURATION, names.HTTP_SERVER_QUEUE)
    }
    seen = statistics.fmean(load.latencies)
    sli = sums[names.HTTP_SERVER_DURATION]
    print(
        f"{connections} connections on 8 threads: clients' mean {seen * 1000:.1f} ms "
        f"(median {statistics.median(load.latencies) * 1000:.1f}), SLI's mean {sli * 1000:.1f} ms "
        f"= {sli / seen:.3f}, of it waiting {sums[names.HTTP_SERVER_QUEUE] * 1000:.1f} ms"
    )
    assert sli <= 1.02 * seen

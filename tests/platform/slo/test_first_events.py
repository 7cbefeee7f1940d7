"""Events before the first scrape of their series, from a real server to a real Prometheus."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from telemetry import names

from tests.platform.slo.real import Prometheus, features, prometheus
from tests.service import free_port
from tests.support.harness import serving, wait_for

FAILURES = 30
ZERO_INGESTION = "created-timestamp-zero-ingestion"


def config(port: int) -> str:
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {names.SERVICE_NAME: "harbour"}}
    job = {"job_name": "harbour", "static_configs": [target]}
    return json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})


def failed(server: Prometheus, route: str) -> float:
    """Tell by how much the failures of a route grew, by Prometheus' samples."""
    series = f'{names.HTTP_SERVER_DURATION}_count{{{names.HTTP_ROUTE}="{route}"}}[5m]'
    growth = f"sum(max_over_time({series}) - min_over_time({series}))"
    ((_, grown),) = server.query(growth, time.time())
    ((_, rate),) = server.query(f"sum(rate({series}))", time.time())
    # Rules see no less, and more while the series are new and a rate is extrapolated.
    assert rate * 300 >= 0.98 * grown
    return grown


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("on", [True, False], ids=["created-on", "created-off"])
def test_failures_before_the_first_scrape_count_with_created_timestamps(
    tmp_path: Path, workers: str, *, on: bool
) -> None:
    assert ZERO_INGESTION in features()
    enabled = [each for each in features() if on or each != ZERO_INGESTION]
    flag = f"--enable-feature={','.join(enabled)}"
    port = free_port()
    with serving(tmp_path, WEB_CONCURRENCY=workers, METRICS_PORT=str(port)) as service:

        def fail(path: str) -> None:
            for _ in range(FAILURES):
                assert service.get(path).status == 500

        # No route that is declared: there is no series before.
        fail("/crash")
        with prometheus(tmp_path, config(port), flag) as server:

            def scraped(route: str) -> Callable[[], bool]:
                series = f'{names.HTTP_SERVER_DURATION}_count{{{names.HTTP_ROUTE}="{route}"}}'
                enough = f"count_over_time({series}[5m])"
                return lambda: any(count > 3 for _, count in server.query(enough, time.time()))

            wait_for("the first failures are scraped", scraped("/crash"))
            assert failed(server, "/crash") == (FAILURES if on else 0)
            if on:  # Series that begin while their target is scraped.
                fail("/broken")
                wait_for("the later failures are scraped", scraped("/broken"))
                assert failed(server, "/broken") == FAILURES

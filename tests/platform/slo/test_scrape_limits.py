"""The real Prometheus enforces the limits of the chart's ServiceMonitor, and an alert fires before.

The scrape job is that of `make stack`, which reads the chart's values. The first test compares its
limits with those of the ServiceMonitor that helm renders.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from slo.cardinality import most_series
from slo.contract import Contract
from slo.scrape_limits import KEYS
from stack import values
from stack.prometheus import LIMITS, service_job

from tests import service
from tests.platform.chart import render
from tests.platform.slo.real import features, prometheus
from tests.service import FOLDER
from tests.support import exposition
from tests.support.harness import samples, wait_for

FAMILY = "http_server_request_duration_seconds_count"
LIMIT = values.service("ports")["serviceMonitor"]["sampleLimit"]
(ALERT,) = (
    rule["expr"]
    for rule in values.pipeline_rules()["groups"][0]["rules"]
    if rule["alert"] == "SeriesNearLimit"
)
REFUSED = "prometheus_target_scrapes_exceeded_sample_limit_total"
LABELS_REFUSED = "prometheus_target_scrape_pool_exceeded_label_limits_total"


def series(**labels: str) -> str:
    """Return one series of the service with these labels, as /metrics has it."""
    rendered = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{FAMILY}{{{rendered}}} 1"


def lines(count: int) -> list[str]:
    """Return so many series of a service that puts something unbounded into a label."""
    return [series(http_route=f"/{number}") for number in range(count)]


def labeled(count: int) -> str:
    """Return a series of so many labels, with its name and the four labels of its target."""
    return series(**{f"label_{number}": "x" for number in range(count - 5)})


# The largest series that a limit allows, a larger one, and the counter of refusals.
BOUNDARIES = {
    "labels": (labeled(32), labeled(33), LABELS_REFUSED),
    "a label's name": (series(**{"x" * 64: "x"}), series(**{"x" * 65: "x"}), LABELS_REFUSED),
    "a label's value": (series(route="x" * 256), series(route="x" * 257), LABELS_REFUSED),
}


def exposing(exposed: list[str]) -> AbstractContextManager[int]:
    """Serve an exposition, and yield the port."""
    body = "".join(f"{line}\n" for line in exposed).encode()
    return exposition.exposing(lambda _: body)


@contextmanager
def scraping(folder: Path, port: int) -> Iterator[Callable[[str], float | None]]:
    """Scrape a service's target and Prometheus itself; yield what asks for a value."""
    itself = service.free_port()
    job = service_job("ports", "prod", f"127.0.0.1:{port}")
    own = {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{itself}"]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job, own]}
    flag = f"--enable-feature={','.join(features())}"
    address = f"--web.listen-address=127.0.0.1:{itself}"
    with prometheus(folder, json.dumps(config), flag, address) as server:

        def value(expression: str) -> float | None:
            found = server.query(expression, time.time())
            return found[0][1] if found else None

        def is_scraped() -> bool:
            return (value('count_over_time(up{job="ports"}[1m])') or 0) > 2

        wait_for("the target is scraped", is_scraped)
        wait_for("Prometheus scrapes itself", lambda: value(REFUSED) is not None)
        yield value


def test_the_stack_and_the_cluster_have_the_same_limits() -> None:
    spec = render.one(render.environment("prod"), "ServiceMonitor")["spec"]
    job = service_job("ports", "prod", "127.0.0.1:1")
    assert {key: spec[key] for key in LIMITS} == {key: job[own] for key, own in LIMITS.items()}
    assert tuple(LIMITS) == KEYS


def test_the_service_is_scraped_with_room_to_spare(tmp_path: Path) -> None:
    with service.running(tmp_path) as running:
        port = httpx.URL(running.url).port or 0
        with scraping(tmp_path, port) as value:
            exposed = len(samples(running.client.get("/metrics").text))
            taken = value('scrape_samples_post_metric_relabeling{job="ports"}') or 0
            assert value('up{job="ports"}') == 1
            assert value('scrape_sample_limit{job="ports"}') == LIMIT
            # Times of creation are no samples. The first scrape makes series of /metrics.
            assert abs(exposed - taken) < 40
            assert taken < sum(most_series(Contract(FOLDER)).values()) < LIMIT
            assert value(ALERT) is None


@pytest.mark.parametrize(
    ("share", "fires", "up"), [(0.89, False, 1), (0.91, True, 1), (1.0, True, 1), (1.01, True, 0)]
)
def test_the_alert_fires_before_the_limit_is_reached_and_after(
    tmp_path: Path, share: float, up: int, *, fires: bool
) -> None:
    count = int(share * LIMIT)
    with exposing(lines(count)) as port, scraping(tmp_path, port) as value:
        found = value(ALERT)
        assert (found is not None) == fires
        assert found is None or found == pytest.approx(share)
        assert value('up{job="ports"}') == up
        # The chart's alert PrometheusScrapeSampleLimitHit asks for its increase.
        assert ((value(REFUSED) or 0) > 0) == (up == 0)


@pytest.mark.parametrize("kind", BOUNDARIES)
def test_prometheus_refuses_more_than_the_limits_of_labels_allow(tmp_path: Path, kind: str) -> None:
    within, above, counter = BOUNDARIES[kind]
    (tmp_path / "within").mkdir()
    with exposing([within]) as port, scraping(tmp_path / "within", port) as value:
        assert value('up{job="ports"}') == 1
        assert value(FAMILY) == 1
        assert value(counter) == 0
    (tmp_path / "above").mkdir()
    with exposing([above]) as port, scraping(tmp_path / "above", port) as value:
        assert value('up{job="ports"}') == 0
        assert value(FAMILY) is None
        wait_for("the refusal is counted", lambda: (value(counter) or 0) > 0)

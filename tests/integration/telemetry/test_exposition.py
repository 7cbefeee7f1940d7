"""The whole of /metrics, and streamed responses."""

import http.client
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from telemetry import names

from tests.service import free_port
from tests.support.harness import (
    OPENMETRICS,
    Answer,
    Server,
    request,
    wait_for,
)

DECLARED = [("GET", "/ports"), ("GET", "/ports/{id}"), ("GET", "/slow"), ("PUT", "/ports/{id}")]
BOUNDS = [
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0",
    "7.5", "10.0", "+Inf",
]  # fmt: skip
STORE_BOUNDS = [
    "1e-05", "0.0001", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "10.0", "+Inf",
]  # fmt: skip
LIBRARIES = {
    "django_migrations_applied_total": "gauge",
    "django_migrations_unapplied_total": "gauge",
    "django_model_deletes": "counter",
    "django_model_inserts": "counter",
    "django_model_updates": "counter",
    "process_cpu_seconds": "counter",
    "process_max_fds": "gauge",
    "process_open_fds": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
    "process_virtual_memory_bytes": "gauge",
    "python_gc_collections": "counter",
    "python_gc_objects_collected": "counter",
    "python_gc_objects_uncollectable": "counter",
    "python_info": "gauge",
}

Labels = tuple[tuple[str, str], ...]


def histogram(name: str, bounds: list[str], count: float, **labels: str) -> dict[str, float | None]:
    """Return the series of a histogram; None where the value is a duration's."""

    def series(suffix: str, **more: str) -> str:
        inner = ",".join(f"{key}={value}" for key, value in sorted((labels | more).items()))
        return f"{name}_{suffix}{{{inner}}}"

    finite: dict[str, float | None] = {
        series("bucket", le=bound): None if count else 0.0 for bound in bounds[:-1]
    }
    return finite | {
        series("bucket", le="+Inf"): count,
        series("count"): count,
        series("sum"): None if count else 0.0,
    }


def http_duration(method: str, route: str, status: int, count: float) -> dict[str, float | None]:
    return histogram(
        names.HTTP_SERVER_DURATION,
        BOUNDS,
        count,
        http_request_method=method,
        http_route=route,
        http_response_status_code=str(status),
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_the_whole_exposition_after_three_requests(
    serve: Callable[..., Server], workers: int
) -> None:
    began = time.time()
    server = serve(WEB_CONCURRENCY=str(workers), METRICS_PORT=str(free_port()))
    ready = server.counted(http_route="/ready")
    server.get("/ports/AEAJM")
    server.get("/ports/NONE")
    server.get("/nowhere")

    def at_rest() -> Answer | None:
        """Return a scrape in which every worker has sampled its gauges since the last request."""
        scrape = request(server.metrics_port, "/anything", headers={"Accept": OPENMETRICS})
        families = text_string_to_metric_families(scrape.body.decode())
        gauges = {sample.name: sample.value for family in families for sample in family.samples}
        sampled = gauges.get("http_server_threads") == 8 * workers
        busy = ("http_server_threads_busy", "http_server_requests_waiting")
        return scrape if sampled and not any(gauges[name] for name in busy) else None

    answer = wait_for("the gauges are at rest", at_rest)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    found = list(text_string_to_metric_families(answer.body.decode()))

    expected: dict[str, float | None] = {}
    for method, route in [
        *DECLARED,
        (names.METHOD_OTHER, names.ROUTE_UNMATCHED),
        ("GET", names.ROUTE_OVERLOAD),
        ("PUT", names.ROUTE_OVERLOAD),
    ]:
        for status in (200, 500, 503):
            expected |= http_duration(method, route, status, 0)
    for route in {route for _, route in DECLARED} | {names.ROUTE_UNMATCHED, names.ROUTE_OVERLOAD}:
        for outcome in ("client", "server"):
            series = f"{names.HTTP_SERVER_ABORTED}{{http_route={route},outcome={outcome}}}"
            expected[series] = 0
    expected |= http_duration("GET", "/ready", 200, ready)
    expected |= http_duration("GET", "/ports/{id}", 200, 1)
    expected |= http_duration("GET", "/ports/{id}", 404, 1)
    expected |= http_duration("GET", names.ROUTE_UNMATCHED, 404, 1)
    expected |= histogram(names.HTTP_SERVER_QUEUE, BOUNDS, 3 + ready)
    expected |= histogram(
        names.STORE_DURATION, STORE_BOUNDS, 2, db_operation_name="get", db_system_name="memory"
    )
    version = ".".join(map(str, sys.version_info[:3]))
    expected |= {
        "http_server_active_requests{http_request_method=GET}": 0,
        "http_server_threads{}": 8 * workers,
        "http_server_threads_busy{}": 0,
        "http_server_requests_waiting{}": 0,
        "http_server_requests_waiting_limit{}": 1000 * workers,
        "http_server_draining{}": 0,
        "telemetry_log_lines_dropped_total{}": 0,
        "http_server_worker_timeouts_total{}": 0,
        f"service_build_info{{python_version={version},service=harbour,service_version=1.2.3}}": 1,
    }
    libraries = tuple(names.LIBRARY_METRICS)
    actual = {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}": (
            sample.value
        )
        for family in found
        for sample in family.samples
        if not family.name.startswith(libraries)
    }
    # Each counted label set says since when; what the arbiter counts for all workers does not.
    counted = r"(?!http_server_worker_timeouts)(.*)(_count|_total)(?={)"
    told = {re.sub(counted, r"\1_created", each) for each in expected if re.match(counted, each)}
    created = {each: actual.pop(each) for each in [*actual] if "_created{" in each}
    assert created.keys() == told
    assert all(began <= value <= time.time() for value in created.values())
    measured = {series for series, value in expected.items() if value is None}
    assert {s: None if s in measured else value for s, value in actual.items()} == expected
    types = {f.name: f.type for f in found if f.name.startswith(libraries)}
    assert types == (LIBRARIES if workers == 1 else {})
    print(f"{workers} workers: {len(actual)} series of ours, {len(types)} families of libraries")


def since(server: Server, status: int) -> float | None:
    """Return since when requests for one port with a status are counted."""
    body = request(server.metrics_port, "/metrics", headers={"Accept": OPENMETRICS}).body.decode()
    name = "http_server_request_duration_seconds_created"
    wanted = {"http_route": "/ports/{id}", "http_response_status_code": str(status)}.items()
    return next(
        (
            sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
            if sample.name == name and sample.labels.items() >= wanted
        ),
        None,
    )


def test_a_series_counts_since_its_first_event_whatever_worker_comes_later(
    serve: Callable[..., Server],
) -> None:
    server = serve(WEB_CONCURRENCY="2", METRICS_PORT=str(free_port()))
    assert since(server, 404) is None
    before = time.time()
    server.get("/ports/NONE")
    first = wait_for("it is counted", lambda: since(server, 404))
    assert before <= first <= time.time()
    declared = since(server, 200)
    assert declared is not None
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    wait_for("other workers answer", lambda: server.get("/ports/NONE").status == 404 or None)
    for _ in range(20):
        server.get("/ports/NONE")
    assert (since(server, 404), since(server, 200)) == (first, declared)


def test_the_plain_format_has_no_time_beside_each_series(serve: Callable[..., Server]) -> None:
    for workers in ("1", "2"):
        server = serve(WEB_CONCURRENCY=workers, METRICS_PORT=str(free_port()))
        assert not [name for name, _ in server.scrape() if name.endswith("_created")]


def test_a_stream_counts_when_its_last_byte_is_handed_over(serve: Callable[..., Server]) -> None:
    server = serve()
    rows = 20_000
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/ports?rows={rows}")
    response = connection.getresponse()
    assert response.read(100)
    assert server.counted(http_route="/ports") == 0
    rest = response.read()
    connection.close()
    wait_for("it is counted", lambda: server.counted(http_route="/ports") == 1)
    (line,) = server.events(names.ACCESS_EVENT)
    assert (line["status"], line["bytes"]) == (200, 100 + len(rest))
    assert "aborted" not in line


def test_a_stream_that_breaks_is_a_server_error_whatever_its_status_line_said(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    with pytest.raises(http.client.IncompleteRead):
        server.get("/ports?rows=5&fail=3")
    assert server.counted(http_route="/ports", http_response_status_code="500") == 1
    assert server.counted(http_route="/ports", http_response_status_code="200") == 0
    (line,) = server.events(names.ACCESS_EVENT)
    assert (line["status"], line["aborted"]) == (500, "server")


def test_a_client_that_goes_away_is_no_server_error(serve: Callable[..., Server]) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /ports?rows=100000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10)
    aborted = (
        "http_server_responses_aborted_total",
        (("http_route", "/ports"), ("outcome", "client")),
    )
    wait_for("it is counted", lambda: server.scrape().get(aborted) == 1)
    assert server.counted(http_route="/ports", http_response_status_code="200") == 1
    (line,) = server.events(names.ACCESS_EVENT)
    assert (line["status"], line["aborted"]) == (200, "client")

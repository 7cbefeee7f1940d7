"""The real service, wired by its handful of lines."""

import json
from pathlib import Path

import pytest
from telemetry import names

from tests import postgres, service
from tests.integration.telemetry.harness import Receiver, attributes, wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"X-Request-ID": "abc-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def test_one_request_of_the_ports_service_is_seen_from_header_to_store(
    tmp_path: Path, receiver: Receiver
) -> None:
    with service.running(tmp_path, **receiver.environment()) as ports:
        found = ports.client.get("/ports/AEAJM", headers=HEADERS)
        missing = ports.client.get("/ports/XXXXX", headers=HEADERS)
        metrics = ports.client.get("/metrics").text
        spans = wait_for(
            "both traces",
            lambda: (
                s
                if len(s := [x for x in receiver.spans() if x.trace_id.hex() == TRACE]) == 6
                else None
            ),
        )
        lines = [json.loads(line) for line in ports.lines()]
    assert (found.status_code, found.headers["X-Request-ID"]) == (200, "abc-1")
    problem = missing.json()
    assert (problem["request_id"], problem["trace_id"]) == ("abc-1", TRACE)
    by_id = {span.span_id: span for span in spans}
    tree = sorted(
        (span.name, by_id[span.parent_span_id].name if span.parent_span_id in by_id else "")
        for span in spans
    )
    assert tree == sorted(
        2
        * [
            ("GET /ports/{id}", ""),
            ("get_port", "GET /ports/{id}"),
            ("get ports", "get_port"),
        ]
    )
    roots = [attributes(span) for span in spans if span.name == "GET /ports/{id}"]
    assert {root["request_id"] for root in roots} == {"abc-1"}
    access = [line for line in lines if line["event"] == names.ACCESS_EVENT]
    assert [(a["route"], a["status"], a["request_id"], a["trace_id"]) for a in access] == [
        ("/ports/{id}", 200, "abc-1", TRACE),
        ("/ports/{id}", 404, "abc-1", TRACE),
    ]
    assert "ports_stored 1634.0" in metrics


def test_over_postgresql_the_store_span_holds_the_statements_and_probes_hold_none(
    tmp_path: Path, receiver: Receiver, postgres_server: str
) -> None:
    settings = {"PORTS_STORE_URL": postgres.new_database(postgres_server, "ports_telemetry")}
    for command in (["migrate", "-v0"], ["import_ports", "data/ports.json"]):
        done = service.manage(*command, settings=settings)
        assert done.returncode == 0, done.stderr.decode()
    with service.running(tmp_path, **settings, **receiver.environment()) as ports:
        assert ports.client.get("/ready").status_code == 200
        assert ports.client.get("/ports/AEAJM", headers=HEADERS).status_code == 200
        metrics = ports.client.get("/metrics").text
        assert "ports_stored 1634.0" in metrics
        for family in ("django_db_query_duration_seconds", "django_cache_get"):
            counted = [line for line in metrics.splitlines() if line.startswith(f"{family}_")]
            assert any(float(line.rsplit(" ", 1)[1]) > 0 for line in counted), family

        def whole() -> bool:
            return "GET /ports/{id}" in {span.name for span in receiver.spans()}

        wait_for("the trace", whole)
    spans = receiver.spans()
    assert {span.trace_id.hex() for span in spans} == {TRACE}, "a probe started a trace"
    by_id = {span.span_id: span for span in spans}
    parents = {
        span.name: by_id[span.parent_span_id].name if span.parent_span_id in by_id else ""
        for span in spans
    }
    print(parents)
    assert parents.pop("SELECT") == "get ports"
    assert parents["get ports"] == "get_port"
    assert parents["get_port"] == "GET /ports/{id}"


@pytest.mark.parametrize("store", ["memory", "postgresql"])
def test_a_stream_is_traced_down_to_the_store_although_it_outlives_the_server_span(
    tmp_path: Path, receiver: Receiver, store: str, request: pytest.FixtureRequest
) -> None:
    settings = {}
    if store == "postgresql":
        server: str = request.getfixturevalue("postgres_server")
        settings = {"PORTS_STORE_URL": postgres.new_database(server, "ports_streams")}
        for command in (["migrate", "-v0"], ["import_ports", "data/ports.json"]):
            done = service.manage(*command, settings=settings)
            assert done.returncode == 0, done.stderr.decode()
    with service.running(tmp_path, **settings, **receiver.environment()) as ports:
        accept = {"Accept": "application/x-ndjson"}
        body = ports.client.get("/ports", headers={**HEADERS, **accept}).text
        wait_for("the store span", lambda: any(s.name == "stream ports" for s in receiver.spans()))
        wait_for("the last span", lambda: any(s.name == "stream_ports" for s in receiver.spans()))
    assert len(body.splitlines()) == 1634
    spans = {span.name: span for span in receiver.spans()}
    parents = {span.span_id: span.name for span in spans.values()}
    assert parents[spans["stream_ports"].parent_span_id] == "GET /ports"
    assert parents[spans["stream ports"].parent_span_id] == "stream_ports"
    assert spans["stream ports"].trace_id.hex() == TRACE

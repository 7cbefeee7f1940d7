"""The real service, wired by its handful of lines."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from telemetry import names

from tests import postgres, service
from tests.support.harness import Receiver, tree, wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {
    "X-Request-ID": "abc-1",
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    "User-Agent": "test/1",
}


def span(name: str, attributes: dict[str, Any], *children: dict[str, Any]) -> dict[str, Any]:
    """Return an inner span that went well, as `harness.tree` tells it."""
    return {
        "name": name,
        "kind": "SPAN_KIND_INTERNAL",
        "attributes": attributes,
        "status": Status.STATUS_CODE_UNSET,
        "events": [],
        "links": 0,
        "children": list(children),
    }


def store_span(system: str, *children: dict[str, Any]) -> dict[str, Any]:
    return span("get ports", {"db.system.name": system, "db.operation.name": "get"}, *children)


def server_span(
    ports: service.Service, port_id: str, status: int, store: dict[str, Any]
) -> dict[str, Any]:
    attributes = {
        "http.request.method": "GET",
        "http.response.status_code": status,
        "http.route": "/ports/{id}",
        "network.protocol.version": "1.1",
        "request_id": "abc-1",
        "server.address": "127.0.0.1",
        "server.port": urlsplit(ports.url).port,
        "url.path": f"/ports/{port_id}",
        "url.scheme": "http",
        "user_agent.original": "test/1",
        "client.address": "127.0.0.1",
    }
    root = span("GET /ports/{id}", attributes, span("get_port", {}, store))
    return {**root, "kind": "SPAN_KIND_SERVER"}


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
    assert tree(spans) == [
        server_span(ports, "AEAJM", 200, store_span("memory")),
        server_span(ports, "XXXXX", 404, store_span("memory")),
    ]
    access = [line for line in lines if line["event"] == names.ACCESS_EVENT]
    assert [(a["route"], a["status"], a["request_id"], a["trace_id"]) for a in access] == [
        ("/ports/{id}", 200, "abc-1", TRACE),
        ("/ports/{id}", 404, "abc-1", TRACE),
    ]
    assert "ports_stored 1634.0" in metrics


def test_over_postgresql_the_store_span_holds_the_statements_and_probes_hold_none(
    tmp_path: Path, receiver: Receiver, postgres_server: str
) -> None:
    data_set = postgres.ports(postgres_server)
    url = postgres.new_database(postgres_server, "ports_telemetry", data_set)
    settings = {"PORTS_STORE_URL": url}
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
    (root,) = tree(spans)
    statements = root["children"][0]["children"][0]["children"]
    selects = [statement for statement in statements if statement["name"] == "SELECT"]
    assert len(selects) == 1
    assert 'FROM "port"' in selects[0]["attributes"].pop("db.statement")
    assert selects[0] == {
        "name": "SELECT",
        "kind": "SPAN_KIND_CLIENT",
        "attributes": {
            "db.system": "postgresql",
            "db.name": urlsplit(settings["PORTS_STORE_URL"]).path.removeprefix("/"),
            "db.user": "ports",
            "server.address": "127.0.0.1",
            "server.port": urlsplit(postgres_server).port,
        },
        "status": Status.STATUS_CODE_UNSET,
        "events": [],
        "links": 0,
        "children": [],
    }
    assert root == server_span(ports, "AEAJM", 200, store_span("postgresql", *statements))


@pytest.mark.parametrize("store", ["memory", "postgresql"])
def test_a_stream_is_traced_down_to_the_store_although_it_outlives_the_server_span(
    tmp_path: Path, receiver: Receiver, store: str, request: pytest.FixtureRequest
) -> None:
    settings = {}
    if store == "postgresql":
        server: str = request.getfixturevalue("postgres_server")
        url = postgres.new_database(server, "ports_streams", postgres.ports(server))
        settings = {"PORTS_STORE_URL": url}
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

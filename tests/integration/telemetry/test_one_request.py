"""One request, seen in every signal."""

from collections.abc import Callable

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from telemetry import names

from tests.support.harness import (
    OPENMETRICS,
    Receiver,
    Server,
    attributes,
    request,
    wait_for,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADERS = {
    "X-Request-ID": "abc-1",
    "traceparent": f"00-{TRACE}-{PARENT}-01",
    "Authorization": "Bearer planted-secret",
    "Cookie": "session=planted-secret",
    "User-Agent": "test/1",
}


def spans_of(receiver: Receiver, count: int) -> dict[str, Span]:
    def found() -> list[Span] | None:
        spans = [span for span in receiver.spans() if span.trace_id.hex() == TRACE]
        return spans if len(spans) == count else None

    return {span.name: span for span in wait_for(f"{count} spans", found)}


def test_a_response_that_the_service_closes_itself_keeps_its_request_id(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    assert server.get("/closed", headers=HEADERS).headers["X-Request-ID"] == "abc-1"
    (line,) = server.events(names.ACCESS_EVENT)
    assert (line["path"], line["request_id"]) == ("/closed", "abc-1")


def test_a_success_leaves_one_access_line_and_one_span_tree_with_its_ids(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(**receiver.environment())
    answer = server.get("/ports/AEAJM?token=planted-secret", headers=HEADERS)
    assert (answer.status, answer.headers["X-Request-ID"]) == (200, "abc-1")

    spans = spans_of(receiver, 2)
    root, inner = spans["GET /ports/{id}"], spans["get_port"]
    assert (root.parent_span_id.hex(), root.kind) == (PARENT, Span.SPAN_KIND_SERVER)
    assert (inner.parent_span_id, inner.kind) == (root.span_id, Span.SPAN_KIND_INTERNAL)
    assert attributes(inner) == {}
    found = attributes(root)
    assert isinstance(found.pop("client.port"), int)
    assert found == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/ports/{id}",
        "network.protocol.version": "1.1",
        "request_id": "abc-1",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.path": "/ports/AEAJM",
        "url.query": "token=REDACTED",
        "url.scheme": "http",
        "user_agent.original": "test/1",
        "client.address": "127.0.0.1",
    }

    (line,) = server.events("http.server.request")
    timestamp, duration, queued = (
        line.pop(name) for name in ("timestamp", "duration_ms", "queue_ms")
    )
    assert len(timestamp) == len("2026-01-01T00:00:00.000000Z")
    assert timestamp.endswith("Z")
    assert duration >= queued >= 0
    assert line == {
        "level": "info",
        "event": "http.server.request",
        "logger": "telemetry.access",
        "service": "harbour",
        "request_id": "abc-1",
        "trace_id": TRACE,
        "span_id": root.span_id.hex(),
        "method": "GET",
        "route": "/ports/{id}",
        "path": "/ports/AEAJM",
        "status": 200,
        "bytes": len(answer.body),
        "client": "127.0.0.1",
        "user_agent": "test/1",
    }
    (read,) = server.events("port.read")
    assert (read["request_id"], read["trace_id"]) == ("abc-1", TRACE)
    assert read["span_id"] == inner.span_id.hex()
    assert "planted-secret" not in server.log.read_text()


def test_an_error_carries_the_same_ids_in_problem_log_spans_and_exemplar(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(**receiver.environment())
    answer = server.get("/broken", headers=HEADERS)
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "broken",
        "instance": "/broken",
        "request_id": "abc-1",
        "trace_id": TRACE,
    }

    spans = spans_of(receiver, 2)
    for span in spans.values():
        assert span.status.code == Status.STATUS_CODE_ERROR
        (event,) = span.events
        assert event.name == "exception"
        recorded = attributes(event)
        assert "divide" in recorded.pop("exception.stacktrace")
        assert recorded == {
            "exception.type": "ZeroDivisionError",
            "exception.message": "division by zero",
            "exception.escaped": "False",
        }
    (line,) = server.events("http.server.request")
    assert (line["request_id"], line["trace_id"], line["status"]) == ("abc-1", TRACE, 500)

    exposition = request(server.port, "/metrics", headers={"Accept": OPENMETRICS}).body.decode()
    exemplars = [
        text
        for text in exposition.splitlines()
        if f'trace_id="{TRACE}"' in text and 'http_route="/broken"' in text
    ]
    assert len(exemplars) == 1
    print("response header, problem, access line, 2 spans, exemplar:", "abc-1", TRACE)


def test_probes_and_metrics_leave_no_span_and_no_access_line(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(**receiver.environment())
    for path in ("/ready", "/live", "/metrics"):
        assert server.get(path, headers=HEADERS).status == 200
    server.get("/slow?seconds=0", headers=HEADERS)
    assert set(spans_of(receiver, 2)) == {"GET /slow", "slow"}
    assert {span.name for span in receiver.spans()} == {"GET /slow", "slow"}
    assert [line["route"] for line in server.events("http.server.request")] == ["/slow"]
    assert server.counted(http_route="/live") == 1


def test_without_an_exporter_ids_appear_and_nothing_is_recorded(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    problem = server.get("/ports/NONE", headers=HEADERS).json()
    assert (problem["request_id"], problem["trace_id"]) == ("abc-1", TRACE)
    own = server.get("/ports/NONE").json()
    assert len(own["trace_id"]) == len(TRACE)
    assert own["trace_id"] != TRACE
    body = server.get("/metrics", headers={"Accept": OPENMETRICS}).body.decode()
    assert "# {" not in body, "an exemplar whose trace nobody has"


def test_a_thread_started_by_a_request_logs_its_ids(serve: Callable[..., Server]) -> None:
    server = serve()
    server.get("/thread", headers=HEADERS)
    (line,) = server.events("from.a.thread")
    assert (line["request_id"], line["trace_id"]) == ("abc-1", TRACE)


def test_tail_sampling_leaves_exemplars_to_errors_and_slow_requests(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(TAIL_SAMPLING="yes", **receiver.environment())
    for path in ("/ports/AEAJM", "/slow?seconds=0", "/broken", "/crash", "/slow?seconds=1.05"):
        server.get(path)
    body = server.get("/metrics", headers={"Accept": OPENMETRICS}).body.decode()
    routes = [
        (text.split('http_route="')[1].split('"')[0], text.split('le="')[1].split('"')[0])
        for text in body.splitlines()
        if "# {" in text
    ]
    assert sorted(routes) == sorted(
        [(route, le) for route, le in routes if route in {"/broken", "/crash"}] + [("/slow", "2.5")]
    )
    assert {route for route, _ in routes} == {"/broken", "/crash", "/slow"}


def test_a_path_that_only_looks_like_a_probe_is_unmatched(serve: Callable[..., Server]) -> None:
    server = serve()
    assert server.get("/live%3F").status == 404
    (line,) = server.events(names.ACCESS_EVENT)
    assert line["route"] == names.ROUTE_UNMATCHED

"""The server that a request names: equal answers of both workers and the metrics listener."""

import json
from collections.abc import Callable

import pytest

from tests.service import free_port
from tests.support import raw
from tests.support.harness import Server

FIELD = "the Host field is no DNS name or IP address"
REFUSED = {
    "none": ("/live", (), "the request has 0 Host fields"),
    "empty": ("/live", ("Host:",), FIELD),
    "blank": ("/live", ("Host: a b",), FIELD),
    "bracket": ("/live", ("Host: [::1",), FIELD),
    "port": ("/live", ("Host: localhost:x",), FIELD),
    "user": ("/live", ("Host: a:b@localhost",), FIELD),
    "list": ("/live", ("Host: localhost,x",), FIELD),
    "letter": ("/live", ("Host: \xe9",), FIELD),
    "target without host": ("http:///live", ("Host: x",), "the request target names no server"),
    "target with user": ("http://a@x/live", ("Host: x",), "the request target names no server"),
}


@pytest.fixture(scope="module")
def server(serve_in_module: Callable[..., Server]) -> Server:
    return serve_in_module(METRICS_PORT=str(free_port()))


def ask(port: int, target: str, *fields: str, version: str = "1.1") -> tuple[int, str]:
    """Return status and content."""
    lines = (f"GET {target} HTTP/{version}", *fields, "Connection: close", "", "")
    head, _, content = raw.exchange(port, "\r\n".join(lines).encode("latin-1")).partition(
        b"\r\n\r\n"
    )
    return int(head.split(b" ")[1]), content.decode()


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_names_no_server_is_400(server: Server, case: str) -> None:
    target, fields, detail = REFUSED[case]
    status, content = ask(server.port, target, *fields)
    assert (status, json.loads(content)["detail"]) == (400, detail)
    assert ask(server.metrics_port, target, *fields) == (400, f"400 {detail}\n")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:99999", "localhost."])
def test_a_request_that_names_this_server_is_answered(server: Server, host: str) -> None:
    for port in (server.port, server.metrics_port):
        assert ask(port, "/metrics", f"Host: {host}")[0] == 200
        assert ask(port, f"http://{host}/metrics", "Host: localhost")[0] == 200


def test_an_old_client_names_no_server(server: Server) -> None:
    for port in (server.port, server.metrics_port):
        assert ask(port, "/metrics", version="1.0")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_the_metrics_listener_accepts_only_get_and_head(server: Server, method: str) -> None:
    target = "x:80" if method == "CONNECT" else "/metrics"
    sent = f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    head, _, content = raw.exchange(server.metrics_port, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET, HEAD" in head
    assert b"\r\nContent-Type: text/plain; charset=utf-8" in head
    assert content == b"405 Method Not Allowed\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_the_metrics_listener_never_answers_5xx(server: Server, sent: bytes, status: int) -> None:
    answer = raw.exchange(server.metrics_port, sent)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_the_metrics_listener_answers_head_with_the_fields_of_get(server: Server) -> None:
    head, _, content = raw.exchange(
        server.metrics_port, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nContent-Type: text/plain; version=" in head
    assert b"\r\nContent-Length: " in head
    assert content == b""


@pytest.mark.parametrize(
    "frame",
    ["Content-Length: 40", "Content-Length: 0\r\nContent-Length: 40", "Transfer-Encoding: x"],
)
def test_the_metrics_listener_does_not_read_content_as_a_request(
    server: Server, frame: str
) -> None:
    hidden = "HEAD /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sent = f"HEAD / HTTP/1.1\r\nHost: x\r\n{frame}\r\n\r\n{hidden}".encode()
    answer = raw.exchange(server.metrics_port, sent)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer

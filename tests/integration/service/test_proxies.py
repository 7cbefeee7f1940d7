"""Forwarding headers of trusted proxies, and of others."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from telemetry import names

from tests.support import raw
from tests.support.harness import Receiver, Server, attributes, wait_for

CLIENT = "198.51.100.7"


def forwarded(seconds_ago: float) -> dict[str, str]:
    return {
        "X-Forwarded-For": f"192.0.2.66, {CLIENT}, 127.0.0.9",
        "X-Request-Start": f"t={time.time() - seconds_ago:.3f}",
        "X-Forwarded-Proto": "https",
    }


@pytest.mark.parametrize(
    ("trusted", "is_believed"),
    [("127.0.0.0/8", True), ("10.0.0.0/8, 127.0.0.1,127.0.0.9", True), ("10.0.0.0/8", False)],
)
def test_a_trusted_proxy_sets_client_scheme_and_waiting_time(
    serve: Callable[..., Server], receiver: Receiver, trusted: str, is_believed: bool
) -> None:
    server = serve(TRUSTED_PROXIES=trusted, **receiver.environment())
    assert server.get("/ports/AEAJM", headers=forwarded(3)).status == 200
    (line,) = server.events(names.ACCESS_EVENT)
    expected = CLIENT if is_believed else "127.0.0.1"
    assert line["client"] == expected
    assert (line["queue_ms"] >= 3000) == is_believed
    waited = server.scrape()[(f"{names.HTTP_SERVER_QUEUE}_sum", ())]
    assert (waited >= 3) == is_believed
    (root,) = wait_for(
        "the server span", lambda: [s for s in receiver.spans() if s.name == "GET /ports/{id}"]
    )
    found = attributes(root)
    assert found["client.address"] == expected
    assert found["url.scheme"] == ("https" if is_believed else "http")


def test_responses_of_the_server_itself_name_the_client(serve: Callable[..., Server]) -> None:
    server = serve(TRUSTED_PROXIES="127.0.0.0/8")
    fields = f"Host: x\r\nX-Forwarded-For: {CLIENT}\r\nContent-Length: x\r\n"
    head = f"GET / HTTP/1.1\r\n{fields}\r\n"
    assert raw.exchange(server.port, head.encode()).startswith(b"HTTP/1.1 400 ")
    (line,) = server.events(names.ACCESS_EVENT)
    assert (line["status"], line["client"]) == (400, CLIENT)


def test_a_refusal_under_overload_has_no_content_for_head_and_names_the_client(
    serve: Callable[..., Server],
) -> None:
    server = serve(THREADS="1", MAX_WAITING="1", TRUSTED_PROXIES="127.0.0.0/8")
    fields = "".join(f"{name}: {value}\r\n" for name, value in forwarded(3).items())
    asked = f"HEAD /slow?seconds=0.2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"
    refused: list[bytes] = []

    def ask() -> None:
        answer = raw.exchange(server.port, asked.encode())
        if answer.startswith(b"HTTP/1.1 503 "):
            refused.append(answer)

    with ThreadPoolExecutor(8) as clients:
        for _ in range(16):
            clients.submit(ask)
    assert refused
    assert {answer.partition(b"\r\n\r\n")[2] for answer in refused} == {b""}
    lines = [line for line in server.events(names.ACCESS_EVENT) if line["status"] == 503]
    assert {(line["client"], line["bytes"]) for line in lines} == {(CLIENT, 0)}
    assert all(line["duration_ms"] >= 3000 for line in lines)


@pytest.mark.parametrize("field", ["SCRIPT_NAME: /ports", "PATH_INFO: /metrics"])
def test_no_header_of_a_trusted_proxy_changes_the_path(plain_server: Server, field: str) -> None:
    fields = f"Host: localhost\r\nConnection: close\r\n{field}\r\n"
    head = f"GET /ports/metrics HTTP/1.1\r\n{fields}\r\n"
    answer = raw.exchange(plain_server.port, head.encode())
    assert b'"id": "metrics"' in answer
    assert b"# TYPE" not in answer

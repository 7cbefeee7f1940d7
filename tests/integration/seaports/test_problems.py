import socket
from typing import Any

import httpx
import pytest

from tests.service import Service
from tests.support.over_postgres import TOKEN

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document.keys() - {"errors"} == {
        "type", "title", "status", "detail", "instance", "request_id", "trace_id",
    }  # fmt: skip
    assert document["type"] == "about:blank"
    assert document["status"] == response.status_code
    return document


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/", 404, "nothing is served at this path; see /docs"),
        ("GET", "/nope", 404, "nothing is served at this path; see /docs"),
        ("GET", "/ports/", 404, "nothing is served at this path; see /docs"),
        ("GET", "/docs/static/nope.js", 404, "nothing is served at this path; see /docs"),
        ("GET", "/ports/ZZZZZ", 404, "no port has the id ZZZZZ"),
        ("GET", "/ports/x", 422, "not acceptable: id"),
        ("GET", "/ports/AEAJ%00", 422, "not acceptable: id"),
        ("GET", "/ports/%F0%9F%98%80", 422, "not acceptable: id"),
        ("POST", "/ports", 405, "/ports takes GET, HEAD"),
        ("OPTIONS", "/ready", 405, "/ready takes GET, HEAD"),
        ("BREW", "/ports", 405, "/ports takes GET, HEAD"),
        ("GET", "/ports?limit=0", 422, "not acceptable: limit"),
        ("GET", "/ports?limit=1001", 422, "not acceptable: limit"),
        ("GET", "/ports?limit=ten", 422, "not acceptable: limit"),
        ("GET", "/ports?cursor=x&q=", 422, "not acceptable: cursor, q"),
        ("GET", "/ports?q=a%00b", 422, "not acceptable: q"),
        ("GET", "/ports?q=" + "x" * 101, 422, "not acceptable: q"),
        ("GET", "/ports?country=%0a", 422, "not acceptable: country"),
        ("GET", "/ports?contry=Japan", 422, "there is no parameter 'contry'"),
        ("GET", "/ports?q=a&q=b", 422, "q is given 2 times"),
        ("GET", "/ports?" + "&" * 1500, 400, "the request is malformed"),
        ("GET", "/ports?q=" + "x" * 3100, 414, "a query of over 3072 bytes"),
    ],
)
def test_each_error_is_a_problem_document(
    any_service: Service, method: str, path: str, status: int, detail: str
) -> None:
    response = any_service.client.request(method, path)
    document = problem(response)
    assert (response.status_code, document["detail"]) == (status, detail)
    assert document["instance"] == httpx.URL(path).path


def test_an_error_of_input_names_each_input(any_service: Service) -> None:
    document = problem(any_service.client.get("/ports?limit=0&cursor=x"))
    assert document["errors"] == [
        {
            "source": "query",
            "name": "limit",
            "detail": "Input should be greater than or equal to 1",
        },
        {
            "source": "query",
            "name": "cursor",
            "detail": "String should match pattern '^[A-Za-z]{2}[A-Za-z2-9]{3}$'",
        },
    ]


def test_405_names_the_methods_that_are_allowed(any_service: Service) -> None:
    response = any_service.client.post("/ports")
    assert response.headers["Allow"] == "GET, HEAD"


def test_what_cannot_be_accepted_is_406(any_service: Service) -> None:
    response = any_service.client.get("/ports", headers={"Accept": "text/html"})
    document = problem(response)
    assert response.status_code == 406
    assert document["detail"] == "this path answers in application/json or application/x-ndjson"


def test_a_body_of_unknown_length_is_411(any_service: Service) -> None:
    response = any_service.client.put("/ports/AEAJM", content=iter([b"{}"]), headers=AUTHORIZED)
    assert (response.status_code, problem(response)["detail"]) == (
        411,
        "a body needs a Content-Length header",
    )


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n", b"431"),
    ],
    ids=["no request line", "bad header", "long request line", "long header"],
)
def test_what_is_no_http_is_answered_with_a_problem_too(
    any_service: Service, head: bytes, status: bytes
) -> None:
    url = httpx.URL(any_service.url)
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(head)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer.lower()
    assert b"<html" not in answer.lower()


def test_the_memory_store_takes_no_writes(memory_service: Service) -> None:
    for method in ("PUT", "DELETE"):
        response = memory_service.client.request(method, "/ports/AEAJM", headers=AUTHORIZED)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
        problem(response)

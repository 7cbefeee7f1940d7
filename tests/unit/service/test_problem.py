import json
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import pytest
from django.test import RequestFactory
from service import problem
from service.django.problems import problem as problem_of_django
from telemetry import context

TRACE = "0af7651916cd43dd8448eb211c80319c"


def parsed(response: bytes) -> tuple[str, dict[str, str], dict[str, object]]:
    head, _, body = response.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    assert f"Content-Length: {len(body)}" in headers
    return status, dict(header.split(": ", 1) for header in headers), json.loads(body)


def test_a_problem_names_its_request_and_its_trace() -> None:
    status, headers, document = parsed(
        problem.response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            "mine",
            path="/ports/a%20b",
            traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
        )
    )
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert parsedate_to_datetime(headers.pop("Date")).utcoffset() is not None
    headers.pop("Content-Length")
    assert headers == {
        "Content-Type": "application/problem+json",
        "X-Request-ID": "mine",
        "Connection": "close",
        "Cache-Control": "no-store",
        "Retry-After": "1",
    }
    assert document == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "busy",
        "instance": "/ports/a b",
        "request_id": "mine",
        "trace_id": TRACE,
    }


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-b7-01"]
)
def test_an_invalid_traceparent_gives_a_null_trace_id(traceparent: str) -> None:
    _, headers, document = parsed(
        problem.response(HTTPStatus.BAD_REQUEST, "no", "mine", traceparent=traceparent)
    )
    assert (document["instance"], document["trace_id"]) == ("", None)
    assert "Retry-After" not in headers


def test_a_problem_of_django_is_the_same_document_with_its_own_members() -> None:
    request = RequestFactory().get("/ports/a b")
    context.begin("mine")
    found = problem_of_django(request, HTTPStatus.NOT_FOUND, "no such port", errors=[{"name": "x"}])
    context.end()
    expected = problem.document(
        HTTPStatus.NOT_FOUND,
        "no such port",
        instance="/ports/a b",
        request_id="mine",
        trace_id=None,
        errors=[{"name": "x"}],
    )
    assert (found.status_code, found.content) == (404, expected)
    assert dict(found.items()) == problem.headers(HTTPStatus.NOT_FOUND)

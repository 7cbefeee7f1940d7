"""Problem documents, as every answer that is none has one."""

from typing import Any

import httpx


def problem(response: httpx.Response) -> dict[str, Any]:
    """Return the problem document of an answer, having checked what all have."""
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    document: dict[str, Any] = response.json()
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document.keys() - {"errors"} == {
        "type", "title", "status", "detail", "instance", "request_id", "trace_id",
    }  # fmt: skip
    assert document["type"] == "about:blank"
    assert document["status"] == response.status_code
    return document

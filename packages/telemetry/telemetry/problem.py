"""RFC 9457 problem documents for what never reaches the application."""

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1

# https://www.w3.org/TR/trace-context/#traceparent-header-field-values; all zeros is no trace.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def response(
    status: HTTPStatus, detail: str, request_id: str, *, path: str = "", traceparent: str = ""
) -> bytes:
    """Return a whole HTTP/1.1 response that closes its connection.

    Args:
        status: Its status; the phrase becomes the title.
        detail: What was wrong.
        request_id: The request's id.
        path: The request's path as it was sent, or empty if none can be told.
        traceparent: The request's W3C header, or empty.
    """
    import orjson

    trace = _TRACEPARENT.fullmatch(traceparent)
    body = orjson.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "instance": unquote(path),
            "request_id": request_id,
            "trace_id": trace[1] if trace else None,
        }
    )
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        head.append(f"Retry-After: {RETRY_AFTER_SECONDS}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body

"""RFC 9457 problem documents for what never reaches the application."""

from http import HTTPStatus
from typing import Final

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1


def response(status: HTTPStatus, detail: str, request_id: str) -> bytes:
    """Return a whole HTTP/1.1 response that closes its connection."""
    import orjson

    body = orjson.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "request_id": request_id,
        }
    )
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        head.append(f"Retry-After: {RETRY_AFTER_SECONDS}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body

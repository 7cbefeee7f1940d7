"""RFC 9457 problem documents, and responses for requests that do not reach the application."""

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1

# https://www.w3.org/TR/trace-context/#traceparent-header-field-values; all zeros is no trace.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def document(
    status: HTTPStatus,
    detail: str,
    *,
    instance: str,
    request_id: str | None,
    trace_id: str | None,
    **more: object,
) -> bytes:
    """Return a problem document as JSON.

    Args:
        status: The response's status; its phrase becomes the title.
        detail: What was wrong.
        instance: The request's path, or empty if none can be told.
        request_id: The request's id.
        trace_id: Its trace, 32 hexadecimal digits, if it has one.
        more: Members that only some problems have.
    """
    import orjson

    members = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        "trace_id": trace_id,
        **more,
    }
    return orjson.dumps(members, default=str)


def headers(status: HTTPStatus) -> dict[str, str]:
    """Return the header fields of a problem document."""
    fields = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        fields["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return fields


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
    trace = _TRACEPARENT.fullmatch(traceparent)
    body = document(
        status,
        detail,
        instance=unquote(path),
        request_id=request_id,
        trace_id=trace[1] if trace else None,
    )
    fields = {
        "Date": formatdate(usegmt=True),
        "Content-Length": len(body),
        "X-Request-ID": request_id,
        "Connection": "close",
        **headers(status),
    }
    head = [f"HTTP/1.1 {status.value} {status.phrase}"]
    head += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body

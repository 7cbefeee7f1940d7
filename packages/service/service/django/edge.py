"""Middleware for every path: HEAD requests, limits, and errors as problem documents."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from service.django.problems import problem
from service.problem import CONTENT_TYPE

# Two filters of 100 characters fit, each up to 12 bytes in percent-encoded UTF-8; the server itself
# takes a request line of 4094.
MAX_QUERY_LENGTH: Final = 3072
_WITHOUT_CONTENT: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

_GetResponse = Callable[[HttpRequest], HttpResponseBase]


class Edge:
    """The middleware right around the views."""

    def __init__(self, get_response: _GetResponse) -> None:
        """Wrap the rest."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        # HEAD is GET without the body (RFC 9110, section 9.3.2), on every path there is.
        head = request.method == "HEAD"
        if head:
            request.method = "GET"
        response = _refused(request) or self._get_response(request)
        if head:
            request.method = "HEAD"
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response = _as_problem(request, response)
        if response.status_code in _WITHOUT_CONTENT:
            response.headers.pop("Content-Type", None)
            return response  # nothing whose type could be guessed, no body to leave out
        response["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
        return _without_body(response) if head else response


def _refused(request: HttpRequest) -> HttpResponse | None:
    meta = request.META
    if len(meta["QUERY_STRING"]) > MAX_QUERY_LENGTH:
        return problem(
            request, HTTPStatus.REQUEST_URI_TOO_LONG, f"a query of over {MAX_QUERY_LENGTH} bytes"
        )
    if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
        return problem(request, HTTPStatus.LENGTH_REQUIRED, "a body needs a Content-Length header")
    if meta.get("HTTP_CONTENT_ENCODING", "").lower() not in {"", "identity"}:
        detail = "the body has a content coding, and this service decodes none"
        response = problem(request, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
        response["Accept-Encoding"] = "identity"  # RFC 9110, section 15.5.16
        return response
    return None


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.headers.get("Content-Type") == CONTENT_TYPE:
        return response
    status = HTTPStatus(response.status_code)
    allowed = response.headers.get("Allow")
    if allowed is None:
        return problem(request, status, status.description or status.phrase)
    methods = sorted({*allowed.split(", "), "HEAD"} if "GET" in allowed else allowed.split(", "))
    converted = problem(request, status, f"{request.path} takes {', '.join(methods)}")
    converted["Allow"] = ", ".join(methods)
    return converted


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    if not isinstance(response, HttpResponse):
        response.close()
        return HttpResponse(status=response.status_code, headers=dict(response.items()))
    response.content = b""
    return response

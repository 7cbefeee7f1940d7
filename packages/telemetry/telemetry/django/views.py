"""Responses that every Django service has: to scrapes, and to requests that failed."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from telemetry import context, current, exposition
from telemetry import problem as problems

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_METHODS = ("GET", "HEAD")


def metrics_view(request: "HttpRequest") -> "HttpResponse":
    """Answer a scrape, in OpenMetrics when the Accept header asks for it; GET and HEAD alone."""
    from django.http import HttpResponse, HttpResponseNotAllowed

    if request.method not in _METHODS:
        return HttpResponseNotAllowed(_METHODS)
    content_type, body = exposition.render(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def problem(
    request: "HttpRequest", status: HTTPStatus, detail: str, **more: object
) -> "HttpResponse":
    """Return a response whose body is an RFC 9457 problem document.

    Args:
        request: Its path becomes `instance`.
        status: The response's status; its phrase becomes the title.
        detail: What was wrong and what to do.
        more: Members that only some problems have.
    """
    from django.http import HttpResponse

    body = problems.document(
        status,
        detail,
        instance=request.path,
        request_id=context.request_id(),
        trace_id=current.trace_id(),
        **more,
    )
    return HttpResponse(body, status=status, headers=problems.headers(status))

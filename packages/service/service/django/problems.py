"""Errors of a Django service as RFC 9457 problem documents."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from telemetry import context, current

from service import problem as problems


def problem(request: HttpRequest, status: HTTPStatus, detail: str, **more: object) -> HttpResponse:
    """Return a response whose body is an RFC 9457 problem document.

    Args:
        request: Its path becomes `instance`.
        status: The response's status; its phrase becomes the title.
        detail: What was wrong and what to do.
        more: Members that only some problems have.
    """
    body = problems.document(
        status,
        detail,
        instance=request.path,
        request_id=context.request_id(),
        trace_id=current.trace_id(),
        **more,
    )
    return HttpResponse(body, status=status, headers=problems.headers(status))

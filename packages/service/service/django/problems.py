"""Errors as RFC 9457 problem documents, and the one table that maps an error to a status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

import telemetry
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field
from telemetry import context, current, names

from service import problem as documents

__all__ = ["PROBLEMS", "Errors", "Problem", "problem"]

_log = telemetry.get_logger(__name__)

_READ_BEFORE_413: Final = 1 << 20  # bytes

_STATUS_OF: Final[Mapping[type[Exception], HTTPStatus]] = {
    AuthenticationError: HTTPStatus.UNAUTHORIZED,
    RequestDataTooBig: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    SuspiciousOperation: HTTPStatus.BAD_REQUEST,
    Exception: HTTPStatus.INTERNAL_SERVER_ERROR,
}
# The text for an error whose own words are not for clients.
_DETAIL_OF: Final[Mapping[type[Exception], str]] = {
    AuthenticationError: "a valid bearer token is needed",
    RequestDataTooBig: "the body is larger than this service takes",
    SuspiciousOperation: "the request is malformed",
    Exception: "an error of this service; the request id finds it in the logs",
}


class FieldProblem(Schema):
    """One input that was wrong."""

    source: str = Field(description="query, path or body.")
    name: str
    detail: str


class Problem(Schema):
    """An error (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None = Field(description="Finds the request's lines in the logs.")
    trace_id: str | None = Field(description="Finds the request's trace.")
    errors: list[FieldProblem] | None = None


PROBLEMS: Final[dict[Any, Any]] = {frozenset({400, 411, 414, 415, 422, 500, 503}): Problem}
"""For a route's `response`: what any route may answer beside its own."""


def problem(request: HttpRequest, status: HTTPStatus, detail: str, **more: object) -> HttpResponse:
    """Return a response whose body is an RFC 9457 problem document.

    Args:
        request: Its path becomes `instance`.
        status: The response's status; its phrase becomes the title.
        detail: What was wrong and what to do.
        more: Members that only some problems have.
    """
    body = documents.document(
        status,
        detail,
        instance=request.path,
        request_id=context.request_id(),
        trace_id=current.trace_id(),
        **more,
    )
    return HttpResponse(body, status=status, headers=documents.headers(status))


class Errors:
    """The one table that maps an error to a status: the service's rows beside those of all."""

    def __init__(self, own: Mapping[type[Exception], HTTPStatus]) -> None:
        """Take the service's rows; an error has the row of its nearest class."""
        self._status_of = {**_STATUS_OF, **own}

    def handle(self, api: NinjaAPI) -> None:
        """Make each error of the table, Ninja's own included, a problem document."""
        for kind in self._status_of:
            api.exception_handler(kind)(self.answer)
        api.exception_handler(ValidationError)(_from_validation)
        api.exception_handler(HttpError)(_from_http_error)

    def answer(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """Answer an error as the table says.

        From 500 on, the error is put on the span and logged. An error of the service's own rows is
        a warning with its words. Any other error is a mistake of the code and has its stack.
        """
        known = next(kind for kind in type(error).__mro__ if kind in self._status_of)
        status = self._status_of[known]
        if known is RequestDataTooBig:
            # A server that closes on unread bytes resets the connection: the answer may be lost.
            request.read(_READ_BEFORE_413)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            telemetry.record_exception(error)
            # This line has the details that the client does not get, under the request ID that it
            # gets.
            if known is Exception:
                _log.error(names.SERVER_ERROR_EVENT, exc_info=error)
            else:
                _log.warning(names.SERVER_ERROR_EVENT, reason=str(error), cause=_cause(error))
        response = problem(request, status, _DETAIL_OF.get(known) or str(error))
        if status is HTTPStatus.UNAUTHORIZED:
            response["WWW-Authenticate"] = f'Bearer realm="{settings.SERVICE}"'
        return response


def _cause(error: Exception) -> str | None:
    return None if error.__cause__ is None else type(error.__cause__).__name__


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses (`handler400`)."""
    known = exception if isinstance(exception, RequestDataTooBig) else SuspiciousOperation()
    return Errors({}).answer(request, known)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a path that leads nowhere (`handler404`)."""
    return problem(request, HTTPStatus.NOT_FOUND, "nothing is served at this path; see /docs")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside of the API (`handler500`)."""
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, _DETAIL_OF[Exception])


def _from_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # Ninja's place of an error: the kind of input, of a body the view's argument, the field's path.
    errors = []
    for item in error.errors:
        source, *path = item["loc"]
        if source == "body":
            path = path[1:]
        errors.append(
            {
                "source": str(source),
                "name": ".".join(str(step) for step in path),
                "detail": str(item["msg"]),
            }
        )
    named = ", ".join(sorted({item["name"] or item["source"] for item in errors}))
    return problem(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, f"not acceptable: {named}", errors=errors
    )


def _from_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # Ninja wraps whatever the parser of bodies raises, and drops its words.
    cause = error.__cause__
    if isinstance(cause, HttpError):
        error = cause
    elif isinstance(cause, ValueError):
        return problem(request, HTTPStatus.BAD_REQUEST, f"the body is not valid JSON: {cause}")
    return problem(request, HTTPStatus(error.status_code), str(error))

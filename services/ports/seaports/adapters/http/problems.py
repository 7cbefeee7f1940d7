"""Errors as RFC 9457 problem documents, and the one table that maps an error to a status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import telemetry
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from service.django import problem
from telemetry import names

from seaports.domain.errors import (
    InvalidPort,
    InvalidUnlocode,
    PreconditionFailed,
    StoreUnavailable,
    UnknownPort,
)

_log = telemetry.get_logger(__name__)

_READ_BEFORE_413: Final = 1 << 20

STATUS_OF: Final[Mapping[type[Exception], HTTPStatus]] = {
    InvalidUnlocode: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidPort: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownPort: HTTPStatus.NOT_FOUND,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    AuthenticationError: HTTPStatus.UNAUTHORIZED,
    RequestDataTooBig: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    SuspiciousOperation: HTTPStatus.BAD_REQUEST,
    Exception: HTTPStatus.INTERNAL_SERVER_ERROR,
}

# What is said of an error whose own words are not for clients.
_DETAIL_OF: Final[Mapping[type[Exception], str]] = {
    AuthenticationError: "a bearer token that may write is needed",
    RequestDataTooBig: "the body is larger than this service takes",
    SuspiciousOperation: "the request is malformed",
    Exception: "an error of this service; the request id finds it in the logs",
}


def handle_errors(api: NinjaAPI) -> None:
    """Make each error of the table, Ninja's own included, a problem document."""
    for error_type in STATUS_OF:
        api.exception_handler(error_type)(from_error)
    api.exception_handler(ValidationError)(_from_validation)
    api.exception_handler(HttpError)(_from_http_error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses (`handler400`)."""
    if isinstance(exception, RequestDataTooBig):
        return from_error(request, exception)
    return problem(request, HTTPStatus.BAD_REQUEST, _DETAIL_OF[SuspiciousOperation])


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a path that leads nowhere (`handler404`)."""
    return problem(request, HTTPStatus.NOT_FOUND, "nothing is served at this path; see /docs")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside of the API (`handler500`)."""
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, _DETAIL_OF[Exception])


def from_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an error as the table says; one of this service's own is put on the span."""
    known = next(kind for kind in type(error).__mro__ if kind in STATUS_OF)
    status = STATUS_OF[known]
    if known is RequestDataTooBig:
        # A server that closes on unread bytes resets the connection, and the answer may be lost.
        request.read(_READ_BEFORE_413)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        telemetry.record_exception(error)
        # What the client is not told stands here, under the request id that it is told.
        if isinstance(error, StoreUnavailable):
            _log.warning(names.SERVER_ERROR_EVENT, reason=str(error), cause=_cause(error))
        else:
            _log.error(names.SERVER_ERROR_EVENT, exc_info=error)
    response = problem(request, status, _DETAIL_OF.get(known) or str(error))
    if status is HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="ports"'
    return response


def _cause(error: Exception) -> str | None:
    return None if error.__cause__ is None else f"{type(error.__cause__).__name__}"


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

"""Errors as RFC 9457 problem documents, and the one table that maps an error to a status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import telemetry
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from service.django import problem
from telemetry import names

from ${{ values.package }}.domain.item import UnknownItem

STATUS_OF: Final[Mapping[type[Exception], HTTPStatus]] = {
    UnknownItem: HTTPStatus.NOT_FOUND,
    ValidationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    HttpError: HTTPStatus.BAD_REQUEST,
    Exception: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_log = telemetry.get_logger(__name__)


def handle_errors(api: NinjaAPI) -> None:
    """Make each error of the table a problem document."""
    for kind in STATUS_OF:
        api.exception_handler(kind)(from_error)


def from_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an error as the table says; one of the service's own is logged and put on the span."""
    status = STATUS_OF[next(kind for kind in type(error).__mro__ if kind in STATUS_OF)]
    if isinstance(error, HttpError):
        status = HTTPStatus(error.status_code)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(request, status, str(error))
    telemetry.record_exception(error)
    _log.error(names.SERVER_ERROR_EVENT, exc_info=error)
    return problem(request, status, "an error of this service; the request id finds it in the logs")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a path that leads nowhere (`handler404`)."""
    return problem(request, HTTPStatus.NOT_FOUND, "nothing is served at this path; see /docs")

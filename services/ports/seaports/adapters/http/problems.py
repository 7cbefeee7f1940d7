"""The service's rows of the table that maps errors to statuses."""

from http import HTTPStatus
from typing import Any, Final

from service.django.problems import PROBLEMS, Errors, Problem

from seaports.domain.errors import (
    InvalidPort,
    InvalidUnlocode,
    PreconditionFailed,
    StoreUnavailable,
    UnknownPort,
)

ERRORS: Final = Errors(
    {
        InvalidUnlocode: HTTPStatus.UNPROCESSABLE_ENTITY,
        InvalidPort: HTTPStatus.UNPROCESSABLE_ENTITY,
        UnknownPort: HTTPStatus.NOT_FOUND,
        PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
        StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
OF_PORTS: Final[dict[Any, Any]] = {frozenset({404, 406, 412}): Problem, **PROBLEMS}
"""What any route of ports may answer beside its own."""

"""Parses requests strictly: it reports input that the standards do not allow."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Self

import orjson
from django.http import HttpRequest
from ninja import Schema
from ninja.errors import HttpError
from ninja.parser import Parser
from pydantic import ValidationInfo, model_validator

__all__ = ["StrictParser", "StrictQuery", "whole_body"]

_SHOWN: Final = 50  # characters of a name that a client chose


class StrictParser(Parser):
    """Takes JSON objects as bodies, and each query parameter once."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return the body's object.

        Raises:
            HttpError: 415, it is of another media type; 400, it is cut.
            ValueError: It is no JSON, or no object.
        """
        if request.content_type != "application/json":
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        body = orjson.loads(whole_body(request))
        if not isinstance(body, dict):
            raise ValueError("it must be an object")  # noqa: TRY004 - what a decoder raises
        return body

    def parse_querydict(
        self, data: Mapping[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Return the parameters.

        Raises:
            HttpError: 422, one is given twice where it has one value.
        """
        for name, values in data.lists():  # type: ignore[attr-defined]
            if len(values) > 1 and name not in list_fields:
                raise HttpError(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:_SHOWN]} is given {len(values)} times"
                )
        return super().parse_querydict(data, list_fields, request)  # type: ignore[arg-type]


class StrictQuery(Schema):
    """A view's query parameters, all of them: any other one is refused."""

    @model_validator(mode="after")
    def _refuse_unknown(self, info: ValidationInfo) -> Self:
        given: HttpRequest = (info.context or {})["request"]  # Ninja gives it
        fields = type(self).model_fields
        if unknown := given.GET.keys() - {field.alias or name for name, field in fields.items()}:
            shown = ascii(min(unknown)[:_SHOWN])
            raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, f"unknown parameter {shown}")
        return self


def whole_body(request: HttpRequest) -> bytes:
    """Return the request's body.

    gunicorn hands over what came where a client leaves early: such a request is incomplete (RFC
    9112, section 6.3), and nothing may be written for it.

    Raises:
        HttpError: 400, the body is shorter than its Content-Length.
        RequestDataTooBig: It is longer than this service takes.
    """
    body, announced = request.body, int(request.META.get("CONTENT_LENGTH") or 0)
    if len(body) != announced:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"the body ends after {len(body)} of {announced} bytes"
        )
    return body

"""Ports over HTTP: put and delete, where the store takes writes."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Body, Path, Router
from ninja.errors import HttpError
from ninja.security import HttpBearer
from service.django.conditional import ENTITY_TAGS_PATTERN, etag_of, json_response
from service.django.parser import whole_body
from service.django.problems import Problem

from seaports.adapters.http.conditional import precondition
from seaports.adapters.http.problems import OF_PORTS
from seaports.adapters.http.schemas import AnyCaseCode, PortIn, PortOut
from seaports.application.use_cases import UseCases
from seaports.domain.port import port_from_record, unlocode


def add_writing(router: Router, use_cases: UseCases, auth: HttpBearer) -> None:
    """Add the routes that change ports, for clients that `auth` lets in."""
    problems: dict[Any, Any] = {frozenset({401, 409, 413}): Problem, **OF_PORTS}

    @router.put(
        "/ports/{id}",
        auth=auth,
        response={200: PortOut, 201: PortOut, **problems},
        operation_id="put_port",
        summary="Create or replace one port",
        openapi_extra={"parameters": [_header("If-Match"), _header("If-None-Match")]},
    )
    def put_port(
        request: HttpRequest,
        id: Path[AnyCaseCode],
        body: Body[PortIn],
    ) -> HttpResponseBase:
        """The whole port, whether it is there or not.

        With `If-Match`, only if it is still the one with that entity tag; with
        `If-None-Match: *`, only if there is none yet.
        """
        key = unlocode(id)
        record = body.model_dump()
        if (named := record.pop("id")) is not None and unlocode(named) != key:
            raise HttpError(HTTPStatus.CONFLICT, f"the body's id {named} is not the id in the path")
        if record["coordinates"] is not None:
            record["coordinates"] = list(record["coordinates"])
        port = port_from_record(key, record)
        created = use_cases.put_port(port, precondition(request))
        document = use_cases.encode(port)
        response = json_response(document, etag_of(document))
        if created:
            response.status_code = HTTPStatus.CREATED
            response["Location"] = f"/ports/{key}"
        return response

    @router.delete(
        "/ports/{id}",
        auth=auth,
        response={204: None, **problems},
        operation_id="delete_port",
        summary="Delete one port",
        openapi_extra={"parameters": [_header("If-Match")]},
    )
    def delete_port(request: HttpRequest, id: Path[AnyCaseCode]) -> HttpResponseBase:
        """With `If-Match`, only if the port is still the one with that entity tag."""
        whole_body(request)
        use_cases.delete_port(unlocode(id), precondition(request))
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _header(name: str) -> dict[str, Any]:
    schema = {"anyOf": [{"const": "*"}, {"type": "string", "pattern": ENTITY_TAGS_PATTERN}]}
    return {"in": "header", "name": name, "required": False, "schema": schema}

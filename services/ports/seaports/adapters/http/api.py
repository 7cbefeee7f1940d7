"""The API: its routes, its errors and its OpenAPI document."""

import hmac
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import HttpError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.security import HttpBearer
from ninja.types import DictStrAny
from service.problem import CONTENT_TYPE

from seaports.adapters.http import probes, problems
from seaports.adapters.http.reading import add_reading
from seaports.adapters.http.writing import add_writing, whole_body
from seaports.application.use_cases import UseCases

VERSION: Final = "1"


class WriteToken(HttpBearer):
    """The bearer token that may change ports."""

    def __init__(self, token: str) -> None:
        """Take the token that is right."""
        super().__init__()
        self._token = token.encode()

    def authenticate(self, request: HttpRequest, token: str) -> bool:  # noqa: ARG002 - Ninja's signature
        """Tell whether the client's token is the right one, in constant time."""
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token)


class PortsApi(NinjaAPI):
    """Ninja with problem documents, strict input and an OpenAPI document made once."""

    def __init__(self, use_cases: UseCases, write_token: str | None) -> None:
        """Route to the use cases.

        Args:
            use_cases: What the routes call.
            write_token: None leaves out the routes that write.
        """
        super().__init__(
            title="Ports",
            version=VERSION,
            description="The world's seaports by UN/LOCODE.",
            openapi_url=None,
            docs_url=None,
            urls_namespace="ports",
            parser=_StrictParser(),
        )
        # One router for all methods of a path: Ninja asks the first one that knows the path.
        ports = Router(tags=["ports"])
        add_reading(ports, use_cases)
        if write_token is not None:
            add_writing(ports, use_cases, WriteToken(write_token))
        self._described = (ports, probes.router(use_cases))
        for router in self._described:
            self.add_router("", router)
        problems.handle_errors(self)

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        """Make no response for a view to fill in: each of ours answers with one of its own.

        Making one that nobody uses cost a tenth of a small request.
        """
        return None  # type: ignore[return-value] # a view that needs it fails in its first test

    def routes(self) -> set[tuple[str, str]]:
        """Return each method and path template that clients may call.

        The OpenAPI document says so, too: to make it takes a sixth of a start, so it waits for
        whoever asks for it.
        """
        routes = {
            (method, path)
            for router in self._described
            for path, view in router.path_operations.items()
            for operation in view.operations
            for method in operation.methods
        }
        return routes | {("HEAD", path) for method, path in routes if method == "GET"}

    def get_openapi_schema(
        self, *, path_prefix: str | None = "", path_params: DictStrAny | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI document: Ninja's, and what it cannot know of this API."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if int(status) >= HTTPStatus.BAD_REQUEST and "content" in response:
                        (content,) = response["content"].values()
                        response["content"] = {CONTENT_TYPE: content}
                for parameter in operation["parameters"]:
                    # A parameter may be left out; there is no way to write null in a query.
                    kinds = parameter["schema"].pop("anyOf", [{}])
                    parameter["schema"].update(kinds[0])
        return schema

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document as JSON."""
        return orjson.dumps(
            self.get_openapi_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
        )


class _StrictParser(Parser):
    """Reads what the standards allow and refuses the rest aloud."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        body = orjson.loads(whole_body(request))
        if not isinstance(body, dict):
            raise ValueError("an object is expected")  # noqa: TRY004 - what a decoder raises
        return body

    def parse_querydict(
        self, data: Mapping[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, values in data.lists():  # type: ignore[attr-defined]
            if len(values) > 1 and name not in list_fields:
                raise HttpError(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:50]} is given {len(values)} times"
                )
        return super().parse_querydict(data, list_fields, request)  # type: ignore[arg-type]

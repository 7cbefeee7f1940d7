"""The API of a service: its errors, its input and its OpenAPI document."""

import re
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import orjson
from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema
from ninja.types import DictStrAny

from service.django.parser import StrictParser
from service.django.problems import Errors
from service.problem import CONTENT_TYPE

__all__ = ["Api"]

_CONVERTER: Final = re.compile(r"\{\w+:")  # as in {int:id}


class Api(NinjaAPI):
    """Ninja with problem documents, strict input and an OpenAPI document made once."""

    def __init__(
        self, *, title: str, description: str, namespace: str, errors: Errors, version: str = "1"
    ) -> None:
        """Make an API without routes.

        Args:
            title: The API's name for people.
            description: One sentence.
            namespace: Its name among Django's URL namespaces: the service's.
            errors: The table of errors.
            version: The version of the API, not of the service.
        """
        self._added: list[tuple[str, Router]] = []
        super().__init__(
            title=title,
            version=version,
            description=description,
            openapi_url=None,  # `docs` adds both
            docs_url=None,
            urls_namespace=namespace,
            parser=StrictParser(),
        )
        errors.handle(self)

    def add_router(self, prefix: str, router: Router, **more: Any) -> None:  # type: ignore[override]
        """Add the routes of a router below a path."""
        super().add_router(prefix, router, **more)
        self._added.append((prefix, router))

    def routes(self) -> set[tuple[str, str]]:
        """Return each method and path template that clients may call.

        The OpenAPI document says so, too: to make it takes a sixth of a start, so it waits for
        whoever asks for it.
        """
        routes = {
            (method, prefix + _CONVERTER.sub("{", path))
            for prefix, router in [("", self.default_router), *self._added]
            for path, view in router.path_operations.items()
            for operation in view.operations
            if operation.include_in_schema
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
                # Ninja's order is that of sets, which differs from one process to the next.
                operation["responses"] = dict(sorted(operation["responses"].items()))
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

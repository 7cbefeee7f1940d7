"""The API: its routes, and its errors."""

{% if values.store == "postgresql" %}
from collections.abc import Callable, Mapping
{% else %}
from collections.abc import Callable
{% endif %}
from http import HTTPStatus
from typing import Annotated, Any, Final

from django.http import HttpRequest
from ninja import Query, Schema
{% if values.calls %}
from ninja.errors import HttpError
{% endif %}
from pydantic import Field
from service.django import probes
from service.django.api import Api
from service.django.parser import StrictQuery
from service.django.problems import PROBLEMS, Errors, Problem

{% if values.calls or values.store == "postgresql" %}
from ${{ values.package }}.domain.item import Item, Unavailable, UnknownItem
{% else %}
from ${{ values.package }}.domain.item import Item, UnknownItem
{% endif %}

# Beside the errors that every service has.
{% if values.calls or values.store == "postgresql" %}
ERRORS: Final = Errors(
    {
        UnknownItem: HTTPStatus.NOT_FOUND,
        Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
{% else %}
ERRORS: Final = Errors({UnknownItem: HTTPStatus.NOT_FOUND})
{% endif %}
NOT_FOUND: Final[dict[Any, Any]] = {404: Problem}


class ItemOut(Schema):
    """An item as clients see it."""

    id: str
    name: str


{% if values.calls %}
class NameOut(Schema):
    """A name that `${{ values.calls }}` knows."""

    name: str


{% endif %}
class ListQuery(StrictQuery):
    """The items to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="Maximum number of items.")


def build_api(
    *,
    get_item: Callable[[str], Item],
    first_items: Callable[[int], list[Item]],
{% if values.calls %}
    name_there: Callable[[str], str | None],
{% endif %}
{% if values.store == "postgresql" %}
    checks: Mapping[str, probes.Check],
{% endif %}
) -> Api:
    """Route to the use cases."""
    api = Api(
        title="${{ values.title }}",
        description="${{ values.description }}",
        namespace="${{ values.name }}",
        errors=ERRORS,
    )

    @api.get(
        "/${{ values.name }}",
        response={200: list[ItemOut], **PROBLEMS},
        operation_id="list_items",
        summary="List items",
    )
    def list_items(request: HttpRequest, query: Query[ListQuery]) -> list[Item]:  # noqa: ARG001 - Ninja's signature
        """In the order of their ids."""
        return first_items(query.limit)

    @api.get(
        "/${{ values.name }}/{id}",
        response={200: ItemOut, **NOT_FOUND, **PROBLEMS},
        operation_id="get_item",
        summary="Get one item",
    )
    def get(request: HttpRequest, id: str) -> Item:  # noqa: ARG001
        """By its id."""
        return get_item(id)

{% if values.calls %}
    @api.get(
        "/${{ values.name }}/${{ values.calls }}/{id}",
        response={200: NameOut, **NOT_FOUND, **PROBLEMS},
        operation_id="get_name_there",
        summary="Get a name from ${{ values.calls }}",
    )
    def get_name_there(request: HttpRequest, id: str) -> dict[str, str]:  # noqa: ARG001
        """By the id that `${{ values.calls }}` knows."""
        name = name_there(id)
        if name is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"nothing there has the id {id[:100]!r}")
        return {"name": name}

{% endif %}
{% if values.store == "postgresql" %}
    api.add_router("", probes.router(checks, away=Unavailable))
{% else %}
    api.add_router("", probes.router())
{% endif %}
    return api

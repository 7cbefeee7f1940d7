"""The API: its routes, and its errors."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field
from service.django import probes
from service.django.api import Api
from service.django.parser import StrictQuery
from service.django.problems import PROBLEMS, Errors, Problem

from ${{ values.package }}.domain.item import Item, UnknownItem

# Beside the errors that every service has.
ERRORS: Final = Errors({UnknownItem: HTTPStatus.NOT_FOUND})
NOT_FOUND: Final[dict[Any, Any]] = {404: Problem}


class ItemOut(Schema):
    """An item as clients see it."""

    id: str
    name: str


class ListQuery(StrictQuery):
    """The items to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="Maximum number of items.")


def build_api(get_item: Callable[[str], Item], all_items: Callable[[], list[Item]]) -> Api:
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
        return all_items()[: query.limit]

    @api.get(
        "/${{ values.name }}/{id}",
        response={200: ItemOut, **NOT_FOUND, **PROBLEMS},
        operation_id="get_item",
        summary="Get one item",
    )
    def get(request: HttpRequest, id: str) -> Item:  # noqa: ARG001
        """By its id."""
        return get_item(id)

    api.add_router("", probes.router())
    return api

"""The API: its routes and its OpenAPI document."""

from collections.abc import Callable
from typing import Final

import service
from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError

from ${{ values.package }}.adapters.http import problems
from ${{ values.package }}.domain.item import Item

ROUTES: Final = [("GET", "/${{ values.name }}"), ("GET", "/${{ values.name }}/{id}")]


class ItemOut(Schema):
    """An item as clients see it."""

    id: str
    name: str


class Status(Schema):
    """What a probe answers."""

    status: str


def build_api(get_item: Callable[[str], Item], all_items: Callable[[], list[Item]]) -> NinjaAPI:
    """Route to the use cases."""
    api = NinjaAPI(
        title="${{ values.title }}",
        version="1",
        description="${{ values.description }}",
        urls_namespace="${{ values.name }}",
    )
    problems.handle_errors(api)

    @api.get("/${{ values.name }}", response=list[ItemOut], operation_id="list_items")
    def list_items(request: HttpRequest) -> list[Item]:  # noqa: ARG001 - Ninja's signature
        """List every item, in the order of their ids."""
        return all_items()

    @api.get("/${{ values.name }}/{id}", response=ItemOut, operation_id="get_item")
    def get(request: HttpRequest, id: str) -> Item:  # noqa: ARG001
        """Get one item."""
        return get_item(id)

    @api.get("/ready", response=Status, operation_id="ready")
    def ready(request: HttpRequest) -> dict[str, str]:  # noqa: ARG001
        """503 from the moment the service is to stop."""
        if service.is_draining():
            raise HttpError(503, "this instance is about to stop")
        return {"status": "ready"}

    @api.get("/live", response=Status, operation_id="live")
    def live(request: HttpRequest) -> dict[str, str]:  # noqa: ARG001
        """200 whenever the process answers."""
        return {"status": "live"}

    return api

"""The composition root: only here do concrete adapters meet the use cases."""

from functools import partial

from service.django.api import Api

from ${{ values.package }}.adapters.http.api import build_api
from ${{ values.package }}.adapters.measured import measured
from ${{ values.package }}.adapters.store.memory import MemoryItemStore
from ${{ values.package }}.application.items import get_item
from ${{ values.package }}.domain.item import Item


def api() -> Api:
    """Return the API over a store in memory."""
    store = MemoryItemStore([Item("first", "The first item"), Item("second", "The second item")])
    return build_api(measured(partial(get_item, store)), store.all)

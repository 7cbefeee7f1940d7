"""The composition root: only here do concrete adapters meet the use cases."""

from functools import partial
from typing import Final

from service.django.api import Api
{% if values.store == "postgresql" %}
from service.django.probes import Check
{% endif %}

{% if values.calls or values.store == "postgresql" %}
from ${{ values.package }} import settings
{% endif %}
{% if values.calls %}
from ${{ values.package }}.adapters.clients.${{ values.callsPackage }} import Client
{% endif %}
from ${{ values.package }}.adapters.http.api import build_api
from ${{ values.package }}.adapters.measured import measured
from ${{ values.package }}.adapters.store.memory import MemoryItemStore
{% if values.store == "postgresql" %}
from ${{ values.package }}.application.items import ItemStore, get_item
from ${{ values.package }}.domain.item import Item, Unavailable
{% else %}
from ${{ values.package }}.application.items import get_item
from ${{ values.package }}.domain.item import Item
{% endif %}

EXAMPLES: Final = [Item("first", "The first item"), Item("second", "The second item")]


def api() -> Api:
{% if values.store == "postgresql" %}
    """Return the API over the store that STORE_URL names."""
    store, checks = _store()
{% else %}
    """Return the API over a store in memory."""
    store = MemoryItemStore(EXAMPLES)
{% endif %}
    return build_api(
        get_item=measured(partial(get_item, store)),
        first_items=store.first,
{% if values.calls %}
        name_there=Client(str(settings.ENVIRONMENT.CALLS_URL)).name,
{% endif %}
{% if values.store == "postgresql" %}
        checks=checks,
{% endif %}
    )
{% if values.store == "postgresql" %}


def _store() -> tuple[ItemStore, dict[str, Check]]:
    """Return the store, and what `/ready` asks of it."""
    if settings.ENVIRONMENT.store == "memory":
        return MemoryItemStore(EXAMPLES), {}
    # Imported here, so that the memory store starts without psycopg.
    from service.django.postgresql.check import PromptCheck  # noqa: PLC0415

    from ${{ values.package }}.adapters.store.postgres import store as postgres  # noqa: PLC0415

    store = postgres.PostgresItemStore()
    return store, {"store": PromptCheck(store.check, Unavailable)}
{% endif %}

"""`ItemStore` over PostgreSQL."""

from collections.abc import Mapping
from typing import Final

from service.django.postgresql.breaker import Breaker
from service.django.postgresql.operation import operation
from telemetry.metrics import store_operation

from ${{ values.package }}.adapters.store.postgres.models import ItemRow
from ${{ values.package }}.domain.item import Item, Unavailable

SYSTEM: Final = "postgresql"
READS: Final = Breaker(Unavailable)


class PostgresItemStore:
    """Keeps items in the database that Django's default connection names.

    Each method raises Unavailable if the database does not answer in time.
    """

    def get(self, item_id: str) -> Item | None:
        """Return an item, or None."""
        if "\0" in item_id:  # which PostgreSQL keeps in no text
            return None
        with store_operation(SYSTEM, "get"), operation(READS):
            row = ItemRow.objects.filter(id=item_id).first()
        return None if row is None else Item(row.id, row.name)

    def first(self, limit: int) -> list[Item]:
        """Return the first `limit` items, in the order of their ids."""
        with store_operation(SYSTEM, "first"), operation(READS):
            return [Item(row.id, row.name) for row in ItemRow.objects.order_by("id")[:limit]]

    def check(self) -> Mapping[str, object]:
        """Ask whether the table is there; return nothing to add to the answer of `/ready`."""
        with operation(READS):
            ItemRow.objects.exists()
        return {}

"""Items in memory."""

from collections.abc import Iterable

from ${{ values.package }}.domain.item import Item


class MemoryItemStore:
    """An immutable set of items."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Take the items."""
        self._items = {item.id: item for item in sorted(items, key=lambda item: item.id)}

    def get(self, item_id: str) -> Item | None:
        """Return an item, or None."""
        return self._items.get(item_id)

    def first(self, limit: int) -> list[Item]:
        """Return the first `limit` items, in the order of their ids."""
        return list(self._items.values())[:limit]

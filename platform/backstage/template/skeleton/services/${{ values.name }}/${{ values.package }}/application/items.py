"""List the items, and get one."""

from typing import Protocol

from ${{ values.package }}.domain.item import Item, UnknownItem


class ItemStore(Protocol):
    """The interface of a store of items that the use cases need."""

    def get(self, item_id: str) -> Item | None:
        """Return an item, or None."""

    def first(self, limit: int) -> list[Item]:
        """Return the first `limit` items, in the order of their ids."""


def get_item(store: ItemStore, item_id: str) -> Item:
    """Return one item.

    Raises:
        UnknownItem: No item has this id.
    """
    item = store.get(item_id)
    if item is None:
        raise UnknownItem(f"no item has the id {item_id[:100]!r}")
    return item

import pytest
from ${{ values.package }}.adapters.store.memory import MemoryItemStore
from ${{ values.package }}.application.items import get_item
from ${{ values.package }}.domain.item import Item, UnknownItem

STORE = MemoryItemStore([Item("b", "Second"), Item("a", "First")])


def test_an_item_is_found_by_its_id() -> None:
    assert get_item(STORE, "a") == Item("a", "First")


def test_an_unknown_id_is_told() -> None:
    with pytest.raises(UnknownItem, match="no item has the id 'c'"):
        get_item(STORE, "c")


def test_items_come_in_the_order_of_their_ids() -> None:
    assert [item.id for item in STORE.first(2)] == ["a", "b"]
    assert [item.id for item in STORE.first(1)] == ["a"]

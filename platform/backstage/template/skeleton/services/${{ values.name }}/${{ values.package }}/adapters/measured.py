"""Measurements of the service: lookups, by whether the item was there."""

from collections.abc import Callable

import telemetry
from telemetry.metrics import counter, register

from ${{ values.package }} import names
from ${{ values.package }}.domain.item import Item, UnknownItem

register(names.DECLARED)
_log = telemetry.get_logger(__name__)


def measured(get_item: Callable[[str], Item]) -> Callable[[str], Item]:
    """Return the use case with its outcomes counted, and unknown items logged."""
    lookups = counter(names.LOOKUPS)
    # From 0 on: a rate sees the first event of a series only if the series was there before.
    found, unknown = lookups.labels(names.FOUND), lookups.labels(names.UNKNOWN)

    def get(item_id: str) -> Item:
        try:
            item = get_item(item_id)
        except UnknownItem:
            unknown.inc()
            _log.info(names.UNKNOWN_EVENT, id=item_id[:100])
            raise
        found.inc()
        return item

    return get

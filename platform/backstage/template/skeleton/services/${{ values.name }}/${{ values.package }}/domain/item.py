"""An item: the thing that this service is about. Rename it to what yours is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One item."""

    id: str
    name: str


class UnknownItem(Exception):
    """No item has this id."""
{% if values.calls or values.store == "postgresql" %}


class Unavailable(Exception):
    """A dependency of this service does not answer now; later it may."""
{% endif %}

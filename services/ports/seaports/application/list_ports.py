"""List ports: page by page, or all in one stream."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from seaports.application.interfaces import Document, Page, PortStore, Selection

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100


def list_ports(store: PortStore, selection: Selection, limit: int | None = None) -> Page:
    """Return one page, its ports as they all were at one moment.

    Following `next` from page to page yields IDs in ascending order, so no port twice. A port that
    exists from the first page to the last is yielded, whatever an import changes meanwhile. One
    that comes or goes meanwhile may or may not be.

    Args:
        store: Where the ports are.
        selection: Which ports.
        limit: How many at most, 1 to `MAX_LIMIT`; None means `DEFAULT_LIMIT`.
    """
    return store.page(selection, DEFAULT_LIMIT if limit is None else limit)


def stream_ports(
    store: PortStore, selection: Selection, limit: int | None = None
) -> Iterator[Document]:
    """Yield every port of the selection, all as they were at one moment.

    Args:
        store: Where the ports are.
        selection: Which ports.
        limit: How many at most; None means all.
    """
    return islice(store.stream(selection), limit)

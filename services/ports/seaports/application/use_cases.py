"""The use cases, connected to a store."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from seaports.application.import_ports import Report
from seaports.application.interfaces import Document, Encode, Page, Precondition, Selection
from seaports.domain.port import Port, Unlocode


class Holdings(NamedTuple):
    """The content of a store."""

    ports: int
    revision: int


@dataclass(frozen=True)
class UseCases:
    """The use cases of the service: `bootstrap` makes them, adapters and commands call them."""

    get_port: Callable[[Unlocode], Document]
    list_ports: Callable[[Selection, int | None], Page]
    stream_ports: Callable[[Selection, int | None], Iterator[Document]]
    put_port: Callable[[Port, Precondition], bool]
    delete_port: Callable[[Unlocode, Precondition], None]
    import_ports: Callable[..., Report]
    """As `application.import_ports.import_ports`, without its store."""
    encode: Encode
    """Prepares a port's document as the store does."""
    revision: Callable[[], int]
    """Changes whenever any port does; raises `StoreUnavailable`."""
    check_store: Callable[[], Holdings]
    """Asks the store itself, not a cache before it; raises `StoreUnavailable` if it is silent."""

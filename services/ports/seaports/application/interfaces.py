"""Interfaces that the use cases need."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from seaports.domain.port import Port, Unlocode

Document = bytes
"""A port as it is served: one JSON object in UTF-8, prepared once, without a line break."""

Encode = Callable[[Port], Document]

Precondition = Callable[[Document | None], None]
"""Given a port's current document (None: no such port), raises `PreconditionFailed` or returns."""


class Selection(NamedTuple):
    """The selected ports: all filters must match. Ids ascend."""

    after: Unlocode | None = None
    """Only ports whose id is greater."""
    country: str | None = None
    """Only ports whose country is this name, whatever the case."""
    q: str | None = None
    """Only ports whose name contains this text, whatever the case."""


class Page(NamedTuple):
    """Ports in the order of their ids, as they all were at one moment."""

    documents: list[Document]
    next: Unlocode | None
    """The last id of this page where more ports follow, else None."""
    revision: int
    """The store's revision that the page was read from."""


class Changes(NamedTuple):
    """The result of an upsert, in ports."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class PortStore(Protocol):
    """Keeps ports by id. Every method is safe to call from many threads.

    Every method raises `StoreUnavailable` when the store cannot answer now.
    """

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        ...

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection, from one moment."""
        ...

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection, all as they were at one moment."""
        ...

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none.

        No reader ever sees a part of it. Memory does not grow with the number of ports beyond
        what the store itself keeps.

        Args:
            ports: Each id once.
            commit: False counts what would change and changes nothing.
        """
        ...

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds at that moment.

        Raises:
            UnknownPort: No port has this id.
            PreconditionFailed: As the precondition says.
        """
        ...

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds at that moment.

        Returns:
            True if the port was created, False if it replaced one.

        Raises:
            PreconditionFailed: As the precondition says.
        """
        ...

    def count(self) -> int:
        """Return the number of ports held."""
        ...

    def revision(self) -> int:
        """Return a number below 2^53 that differs whenever the content does."""
        ...

"""Wraps any store: a span and a duration for each operation."""

from collections.abc import Iterable, Iterator
from types import TracebackType

import telemetry
from telemetry import metrics, names

from seaports.application.interfaces import (
    Changes,
    Document,
    Page,
    PortStore,
    Precondition,
    Selection,
)
from seaports.domain.errors import Refused
from seaports.domain.port import Port, Unlocode
from seaports.names import STORE_OPERATIONS


class TracedPortStore:
    """A store whose every operation is seen."""

    def __init__(self, store: PortStore, *, system: str) -> None:
        """Wrap a store.

        Args:
            store: Whose operations are observed.
            system: What kind of store it is, for `db.system.name`.
        """
        self._store = store
        self._system = system
        self._attributes = {
            operation: {names.ATTR_DB_SYSTEM: system, names.ATTR_DB_OPERATION: operation}
            for operation in STORE_OPERATIONS
        }

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        with self._operation("get"):
            return self._store.get(port_id)

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection."""
        with self._operation("page"):
            return self._store.page(selection, limit)

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection; the operation lasts until the last one is out."""
        return telemetry.stream(
            "stream ports", lambda: self._streamed(selection), self._attributes["stream"]
        )

    def _streamed(self, selection: Selection) -> Iterator[Document]:
        with metrics.store_operation(self._system, "stream"):
            yield from self._store.stream(selection)

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none."""
        with self._operation("upsert_many"):
            return self._store.upsert_many(ports, commit=commit)

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds; return whether it was created."""
        with self._operation("put"):
            return self._store.put(port, precondition)

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds."""
        with self._operation("delete"):
            self._store.delete(port_id, precondition)

    def count(self) -> int:
        """Return the number of ports held."""
        with self._operation("count"):
            return self._store.count()

    def revision(self) -> int:
        """Return the store's revision."""
        with self._operation("revision"):
            return self._store.revision()

    def _operation(self, operation: str) -> "_Operation":
        return _Operation(self._system, operation, self._attributes[operation])


class _Operation:
    """One operation's span and, within it, its duration."""

    __slots__ = ("_span", "_timer")

    def __init__(self, system: str, operation: str, attributes: dict[str, str]) -> None:
        self._span = telemetry.span(f"{operation} ports", attributes, expected=Refused)
        self._timer = metrics.store_operation(system, operation)

    def __enter__(self) -> None:
        self._span.__enter__()
        self._timer.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self._timer.__exit__(kind, error, stack)
        self._span.__exit__(kind, error, stack)

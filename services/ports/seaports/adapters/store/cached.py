"""Wraps a store: Django's cache keeps reads, and a write clears the cache.

Bounded by the cache's own limit of entries and by `MAX_CACHED_BYTES` an entry.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import count
from typing import Final, TypeVar, cast

from django.core.cache.backends.base import BaseCache

from seaports.application.interfaces import (
    Changes,
    Document,
    Page,
    PortStore,
    Precondition,
    Selection,
)
from seaports.domain.port import Port, Unlocode

MAX_CACHED_BYTES: Final = 65536

_T = TypeVar("_T")


class CachedPortStore:
    """A store whose reads may be as old as the cache's timeout.

    Reads miss the writes of other processes for so long. This process reads its own writes at once.
    """

    def __init__(self, store: PortStore, cache: BaseCache) -> None:
        """Wrap a store.

        Args:
            store: Where the ports are.
            cache: The cache whose timeout bounds staleness.
        """
        self._store = store
        self._cache = cache
        # Part of every key. A read that began before a write ended stores its result under the
        # generation that it began with, where nobody looks any more.
        self._generations = count()
        self._generation = next(self._generations)

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        return self._read(port_id, lambda: self._store.get(port_id))

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection."""
        key = blake2b(repr((*selection, limit)).encode(), digest_size=16).hexdigest()
        return self._read(
            f"page:{key}",
            lambda: self._store.page(selection, limit),
            keep=lambda page: sum(map(len, page.documents)) <= MAX_CACHED_BYTES,
        )

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection, never from the cache."""
        return self._store.stream(selection)

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none."""
        try:
            return self._store.upsert_many(ports, commit=commit)
        finally:
            self._forget()

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds; return whether it was created."""
        try:
            return self._store.put(port, precondition)
        finally:
            self._forget()

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds."""
        try:
            self._store.delete(port_id, precondition)
        finally:
            self._forget()

    def count(self) -> int:
        """Return the number of ports held."""
        return self._read("count", self._store.count)

    def revision(self) -> int:
        """Return the store's revision."""
        return self._read("revision", self._store.revision)

    def _read(
        self, key: str, load: Callable[[], _T], *, keep: Callable[[_T], bool] = lambda _: True
    ) -> _T:
        generation = self._generation
        # In a tuple, so that None and 0 are kept too.
        held = cast("tuple[_T] | None", self._cache.get(key, version=generation))
        if held is not None:
            return held[0]
        value = load()
        if keep(value):
            self._cache.set(key, (value,), version=generation)
        return value

    def _forget(self) -> None:
        self._generation = next(self._generations)

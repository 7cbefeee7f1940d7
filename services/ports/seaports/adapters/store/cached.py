"""Wraps a store: a cache keeps reads, and a write makes the cache forget them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Final

from service.django.cache.reads import CachedReads, Codec

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

# Two releases share a cache during an update. A change of a codec changes this part of all keys.
_FORMAT: Final = "1"
_NOTHING: Final = b"null"
_LAST: Final = b"-"


class CachedPortStore:
    """A store whose reads may be as old as its cache allows."""

    def __init__(self, store: PortStore, reads: CachedReads) -> None:
        """Wrap a store.

        Args:
            store: Where the ports are.
            reads: Keeps what was read.
        """
        self._store = store
        self._reads = reads

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        return self._reads.read(f"{_FORMAT}:{port_id}", lambda: self._store.get(port_id), _DOCUMENT)

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection."""
        key = blake2b(repr((*selection, limit)).encode(), digest_size=16).hexdigest()
        return self._reads.read(
            f"{_FORMAT}:page:{key}", lambda: self._store.page(selection, limit), _PAGE
        )

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection, never from the cache."""
        return self._store.stream(selection)

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none."""
        with self._writing():
            return self._store.upsert_many(ports, commit=commit)

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds; return whether it was created."""
        with self._writing():
            return self._store.put(port, precondition)

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds."""
        with self._writing():
            self._store.delete(port_id, precondition)

    def count(self) -> int:
        """Return the number of ports held."""
        return self._reads.read(f"{_FORMAT}:count", self._store.count, _NUMBER)

    def revision(self) -> int:
        """Return the store's revision."""
        return self._reads.read(f"{_FORMAT}:revision", self._store.revision, _NUMBER)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Refused:
            raise  # nothing has changed
        except BaseException:
            self._reads.invalidate()  # the answer to a commit may have been lost
            raise
        self._reads.invalidate()


def _dump_document(document: Document | None) -> bytes:
    return _NOTHING if document is None else document


def _parse_document(data: bytes) -> Document | None:
    return None if data == _NOTHING else data


def _dump_page(page: Page) -> bytes:
    # Documents have no line breaks.
    following = _LAST if page.next is None else page.next.encode()
    return b"\n".join((b"%b %d" % (following, page.revision), *page.documents))


def _parse_page(data: bytes) -> Page:
    head, *documents = data.split(b"\n")
    following, revision = head.split(b" ")
    return Page(
        documents, None if following == _LAST else Unlocode(following.decode()), int(revision)
    )


def _dump_number(number: int) -> bytes:
    return b"%d" % number


_DOCUMENT: Final = Codec(_dump_document, _parse_document)
_PAGE: Final = Codec(_dump_page, _parse_page)
_NUMBER: Final = Codec(_dump_number, int)

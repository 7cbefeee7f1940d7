"""The in-memory cache: an immutable snapshot, swapped whole.

Readers take the current snapshot with one attribute read and never wait. A writer builds the next
snapshot beside it and swaps it in at the end, so nobody sees half a change.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import accumulate, islice
from sys import intern
from threading import Lock
from typing import Final

from seaports.application.interfaces import (
    Changes,
    Document,
    Encode,
    Page,
    Precondition,
    Selection,
)
from seaports.domain.errors import UnknownPort
from seaports.domain.port import Port, Unlocode

_SEPARATOR: Final = "\n"  # in no name: names are printable
_REVISION_BYTES: Final = 6  # 48 bits: every JSON reader and every double holds them exactly
_HASHED_AT_ONCE: Final = 1000
_no_rows = partial(array, "L")


_Entry = tuple[Document, str, str]
"""A port's document, and its name and country folded. Made a million times: no class of its own."""


class Snapshot:
    """Ports as they are at one moment, with indexes; never changed after it is made."""

    def __init__(self, entries: dict[Unlocode, _Entry]) -> None:
        """Index the entries, which from now on belong to the snapshot."""
        self.ids = sorted(entries)
        if list(entries) != self.ids:
            entries = {port_id: entries[port_id] for port_id in self.ids}
        self.entries = entries
        self.documents = [document for document, _, _ in entries.values()]
        # All names in one text, so that a search runs at the speed of memory: see `_named`.
        names = [name for _, name, _ in entries.values()]
        self._names = _SEPARATOR.join(names)
        lengths = [len(name) + len(_SEPARATOR) for name in names]
        self._starts = array("Q", accumulate(lengths, initial=0))
        self._countries: defaultdict[str, array[int]] = defaultdict(_no_rows)
        for row, (_, _, country) in enumerate(entries.values()):
            self._countries[country].append(row)
        self.revision = self._content_hash()

    def rows(self, selection: Selection) -> Iterable[int]:
        """Return the places of the selected ports, ascending: a range if there is no filter."""
        first = 0 if selection.after is None else bisect_right(self.ids, selection.after)
        q = None if selection.q is None else selection.q.casefold()
        if selection.country is not None:
            rows = self._countries.get(selection.country.casefold(), _no_rows())
            in_country = islice(rows, bisect_left(rows, first), None)
            if q is None:
                return in_country
            return (row for row in in_country if q in self.entries[self.ids[row]][1])
        if q is not None:
            return self._named(q, first)
        return range(first, len(self.ids))

    def at(self, rows: Sequence[int]) -> list[Document]:
        """Return the documents at these places; at a range of them, with no work for each."""
        if isinstance(rows, range):
            return self.documents[rows.start : rows.stop]
        return [self.documents[row] for row in rows]

    def _named(self, q: str, row: int) -> Iterator[int]:
        if _SEPARATOR in q:
            return
        while (found := self._names.find(q, self._starts[row])) >= 0:
            row = bisect_right(self._starts, found) - 1
            yield row
            row += 1

    def _content_hash(self) -> int:
        # From the content alone, so that every worker and replica of the same file agrees.
        digest = blake2b(digest_size=_REVISION_BYTES)
        for first in range(0, len(self.documents), _HASHED_AT_ONCE):
            digest.update(b"\n".join(self.documents[first : first + _HASHED_AT_ONCE]))
        return int.from_bytes(digest.digest())


class MemoryPortStore:
    """Keeps ports in this process. Reads never block; each write costs time in all ports held."""

    def __init__(self, encode: Encode) -> None:
        """Start empty.

        Args:
            encode: Prepares a port's document, once.
        """
        self._encode = encode
        self._snapshot = Snapshot({})
        self._writing = Lock()

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        entry = self._snapshot.entries.get(port_id)
        return None if entry is None else entry[0]

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection."""
        snapshot = self._snapshot
        found = snapshot.rows(selection)
        rows = found[: limit + 1] if isinstance(found, range) else tuple(islice(found, limit + 1))
        more = len(rows) > limit
        return Page(
            snapshot.at(rows[:limit]),
            snapshot.ids[rows[limit - 1]] if more else None,
            snapshot.revision,
        )

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection, from one snapshot."""
        snapshot = self._snapshot
        return map(snapshot.documents.__getitem__, snapshot.rows(selection))

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none."""
        with self._writing:
            entries = dict(self._snapshot.entries)
            before = len(entries)
            updated = unchanged = 0
            for port in ports:
                entry = self._entry(port)
                held = entries.setdefault(port.id, entry)
                if held is entry:
                    continue
                if held[0] == entry[0]:
                    unchanged += 1
                else:
                    updated += 1
                    entries[port.id] = entry
            created = len(entries) - before
            if commit and (created or updated):
                self._snapshot = Snapshot(entries)
        return Changes(created, updated, unchanged)

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds; return whether it was created."""
        with self._writing:
            before = self.get(port.id)
            precondition(before)
            self._snapshot = Snapshot({**self._snapshot.entries, port.id: self._entry(port)})
        return before is None

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds."""
        with self._writing:
            before = self.get(port_id)
            if before is None:
                raise UnknownPort(f"no port has the id {port_id}")
            precondition(before)
            entries = dict(self._snapshot.entries)
            del entries[port_id]
            self._snapshot = Snapshot(entries)

    def count(self) -> int:
        """Return the number of ports held."""
        return len(self._snapshot.ids)

    def revision(self) -> int:
        """Return a hash of the content."""
        return self._snapshot.revision

    def _entry(self, port: Port) -> _Entry:
        # One text for all ports of a country: 60 bytes a port less.
        return self._encode(port), port.name.casefold(), intern(port.country.casefold())

"""`PortStore` over PostgreSQL.

Every writer first locks the one row of `port_store`, so writers follow one another and a
precondition holds until its write is committed. Readers are never locked out.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from secrets import randbits
from typing import Final, Literal, Protocol, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import QuerySet
from service.django.postgresql.breaker import Breaker
from service.django.postgresql.operation import operation, unlimited
from service.django.postgresql.replica import Replica
from service.django.postgresql.settings import REPLICA

from seaports.adapters.store.postgres.models import PortRow, StoreRow
from seaports.application.interfaces import (
    Changes,
    Document,
    Encode,
    Page,
    Precondition,
    Selection,
)
from seaports.domain.errors import StoreUnavailable, UnknownPort
from seaports.domain.port import Port, Unlocode

# Readers do not wait for writers, and the table of ports is not that of the revision.
READS: Final = Breaker(StoreUnavailable)
WRITES: Final = Breaker(StoreUnavailable)
STATE: Final = Breaker(StoreUnavailable)

_T = TypeVar("_T")

_REVISION_BITS: Final = 52
_STREAMED_AT_ONCE: Final = 1000

# The new rows stand in a table of the transaction's own until the file has been read to its end.
_STAGE: Final = "CREATE TEMPORARY TABLE staged (LIKE port) ON COMMIT DROP"
_COPY: Final = "COPY staged (id, document, name, country) FROM STDIN"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE port.id IS NULL),
       count(*) FILTER (WHERE port.document <> staged.document),
       count(*) FILTER (WHERE port.document = staged.document)
  FROM staged LEFT JOIN port USING (id)
"""
_MERGE: Final = """
INSERT INTO port AS held (id, document, name, country)
SELECT id, document, name, country FROM staged
    ON CONFLICT (id) DO UPDATE
   SET document = EXCLUDED.document, name = EXCLUDED.name, country = EXCLUDED.country
 WHERE held.document <> EXCLUDED.document
"""
# For rows that are all new, a fifth faster: ON CONFLICT looks for each row before it inserts it. No
# join here: planned while the table is empty, it would scan the table for each row as that grows.
_INSERT: Final = """
INSERT INTO port (id, document, name, country)
SELECT id, document, name, country FROM staged
"""


class PostgresPortStore:
    """Keeps ports in the database that Django's default connection names."""

    def __init__(self, encode: Encode, replica: Replica | None = None) -> None:
        """Connect to nothing yet.

        Args:
            encode: Prepares a port's document.
            replica: Answers single ports, pages and the revision while it is fresh. A stream has
                the revision in its entity tag, so both come from the primary.
        """
        self._encode = encode
        self._replica = replica

    def get(self, port_id: Unlocode) -> Document | None:
        """Return the port's document, or None if no port has this id."""
        return self._read(READS, lambda using: _document(_rows(using).filter(id=port_id)))

    def page(self, selection: Selection, limit: int) -> Page:
        """Return the first `limit` ports of the selection."""

        def read(using: str) -> tuple[int, list[tuple[str, str]]]:
            # The revision first: a change in between gives new ports an old revision, which costs a
            # reader one more download. The other order would keep old ports for ever.
            revision = _state("revision", using)
            selected = _selected(selection, using).values_list("id", "document")
            return revision, list(selected[: limit + 1])

        revision, rows = self._read(READS, read)
        more = len(rows) > limit
        return Page(
            [document.encode() for _, document in rows[:limit]],
            Unlocode(rows[limit - 1][0]) if more else None,
            revision,
        )

    def stream(self, selection: Selection) -> Iterator[Document]:
        """Yield every port of the selection, through a cursor on the server."""
        with operation(READS), transaction.atomic():
            documents = _selected(selection).values_list("document", flat=True)
            for document in documents.iterator(chunk_size=_STREAMED_AT_ONCE):
                yield document.encode()

    def upsert_many(self, ports: Iterable[Port], *, commit: bool = True) -> Changes:
        """Create or replace ports: all of them or, if `ports` raises, none."""
        with (
            self._write(),
            transaction.atomic(),
            unlimited(),
            connection.cursor() as cursor,
        ):
            cursor.execute(_STAGE)
            with cursor.copy(_COPY) as copy:
                for port in ports:
                    document = self._encode(port).decode()
                    copy.write_row(
                        (port.id, document, port.name.casefold(), port.country.casefold())
                    )
            cursor.execute("ANALYZE staged")
            with _writing() as changed:
                cursor.execute(_COUNT)
                changes = Changes(*cast("tuple[int, int, int]", cursor.fetchone()))
                if commit and (changes.created or changes.updated):
                    # No other writer can have come between: this one holds the lock.
                    all_new = changes.updated == changes.unchanged == 0
                    cursor.execute(_INSERT if all_new else _MERGE)
                    changed(created=changes.created)
        return changes

    def put(self, port: Port, precondition: Precondition) -> bool:
        """Create or replace one port if the precondition holds; return whether it was created."""
        document = self._encode(port)
        with self._write(), transaction.atomic(), _writing() as changed:
            before = _document(PortRow.objects.filter(id=port.id))
            precondition(before)
            if before != document:
                PortRow(
                    id=port.id,
                    document=document.decode(),
                    name=port.name.casefold(),
                    country=port.country.casefold(),
                ).save(force_insert=before is None)
                changed(created=before is None)
        return before is None

    def delete(self, port_id: Unlocode, precondition: Precondition) -> None:
        """Delete a port if the precondition holds."""
        with self._write(), transaction.atomic(), _writing() as changed:
            rows = PortRow.objects.filter(id=port_id)
            before = _document(rows)
            if before is None:
                raise UnknownPort(f"no port has the id {port_id}")
            precondition(before)
            rows.delete()
            changed(created=-1)

    def count(self) -> int:
        """Return the number of ports held."""
        with operation(STATE):
            return _state("ports")

    def revision(self) -> int:
        """Return a number that each change draws at random, so that no number returns."""
        return self._read(STATE, lambda using: _state("revision", using))

    def _read(self, breaker: Breaker, read: Callable[[str], _T]) -> _T:
        """Read from the replica while it is fresh, else from the primary."""
        if self._replica is not None and self._replica.is_fresh():
            try:
                with operation(self._replica.reads, REPLICA):
                    return read(REPLICA)
            except StoreUnavailable:
                self._replica.failed()
        with operation(breaker):
            return read(DEFAULT_DB_ALIAS)

    @contextmanager
    def _write(self) -> Iterator[None]:
        answered = False
        try:
            with operation(WRITES):
                yield
            answered = True
        finally:
            if self._replica is not None:
                self._replica.wrote(answered=answered)


class _Changed(Protocol):
    def __call__(self, *, created: int) -> None: ...


@contextmanager
def _writing() -> Iterator[_Changed]:
    """Hold the writers' lock until the transaction ends.

    Yields a function that draws a new revision and counts the ports created.
    """
    state = StoreRow.objects.select_for_update().get()

    def changed(*, created: int) -> None:
        state.revision = randbits(_REVISION_BITS)
        state.ports += created
        state.save()

    yield changed


def _state(column: Literal["ports", "revision"], using: str = DEFAULT_DB_ALIAS) -> int:
    value: int = StoreRow.objects.using(using).values_list(column, flat=True).get()
    return value


def _rows(using: str) -> QuerySet[PortRow]:
    return PortRow.objects.using(using)


def _selected(selection: Selection, using: str = DEFAULT_DB_ALIAS) -> QuerySet[PortRow]:
    rows = _rows(using).order_by("id")
    if selection.after is not None:
        rows = rows.filter(id__gt=selection.after)
    if selection.country is not None:
        rows = rows.filter(country=selection.country.casefold())
    if selection.q is not None:
        rows = rows.filter(name__contains=selection.q.casefold())
    return rows


def _document(rows: QuerySet[PortRow]) -> Document | None:
    document = rows.values_list("document", flat=True).first()
    return None if document is None else document.encode()

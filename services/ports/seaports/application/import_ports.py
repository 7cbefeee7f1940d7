"""Import ports from a file of unknown size, all or nothing."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from seaports.application.interfaces import Changes, PortStore
from seaports.domain.errors import DuplicateRecord, InvalidPort, InvalidRecord
from seaports.domain.port import Port, port_from_record

Records = Iterable[tuple[str, object]]
"""Keys and decoded values of a file's records; raises `FeedError` when it cannot be read on."""

# UN/LOCODEs are five digits to the base of 36, so one bit for each possible one, 7.6 MB in all,
# finds duplicates in a file of any size.
_BASE: Final = 36
_POSSIBLE: Final = _BASE**5


class Report(NamedTuple):
    """The result of an import, in records."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0


def import_ports(
    store: PortStore,
    records: Records,
    *,
    skip_invalid: Callable[[InvalidRecord], None] | None = None,
    commit: bool = True,
) -> Report:
    """Create or update each record's port; leave the other ports as they are.

    Memory does not grow with the number of records, beyond what the store itself keeps.

    Args:
        store: Where the ports go.
        records: The file's records.
        skip_invalid: Told of each record that is no port, which is then left out. None stops the
            import at the first such record.
        commit: False validates and counts, and changes nothing.

    Raises:
        FeedError: The file cannot be read on, has a key twice (`DuplicateRecord`), or holds a
            record that is no port (`InvalidRecord`). The store is as it was.
        StoreUnavailable: The store cannot take the ports now.
    """
    invalid = 0

    def skip(error: InvalidRecord) -> None:
        nonlocal invalid
        if skip_invalid is None:
            raise error
        invalid += 1
        skip_invalid(error)

    changes: Changes = store.upsert_many(_ports(records, skip), commit=commit)
    return Report(*changes, invalid)


def _ports(records: Records, skip: Callable[[InvalidRecord], None]) -> Iterator[Port]:
    seen = bytearray(_POSSIBLE // 8 + 1)
    for number, (key, record) in enumerate(records, start=1):
        try:
            port = port_from_record(key, record)
        except InvalidPort as error:
            skip(InvalidRecord(str(error), number, key))
            continue
        place = int(key, _BASE)
        bit = 1 << (place & 7)
        if seen[place >> 3] & bit:
            raise DuplicateRecord("the key occurs twice in the file", number, key)
        seen[place >> 3] |= bit
        yield port

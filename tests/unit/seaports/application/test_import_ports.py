from collections.abc import Iterator

import pytest
from seaports.adapters.document import encode
from seaports.adapters.store.memory import MemoryPortStore
from seaports.application.import_ports import Report, import_ports
from seaports.application.interfaces import Selection
from seaports.domain.errors import DuplicateRecord, FeedError, InvalidRecord

PORT = {"name": "A", "city": "B", "country": "C"}


@pytest.fixture
def store() -> MemoryPortStore:
    store = MemoryPortStore(encode)
    import_ports(store, [("AEAJM", PORT), ("AEDXB", PORT)])
    return store


def test_an_import_creates_updates_and_leaves_the_rest(store: MemoryPortStore) -> None:
    records = [("AEAJM", PORT), ("AEDXB", {**PORT, "name": "Dubai"}), ("USLAX", PORT)]
    assert import_ports(store, records) == Report(created=1, updated=1, unchanged=1, invalid=0)
    assert store.count() == 3


def test_a_port_that_the_file_lacks_stays(store: MemoryPortStore) -> None:
    import_ports(store, [("USLAX", PORT)])
    assert store.count() == 3


def test_a_dry_run_counts_and_changes_nothing(store: MemoryPortStore) -> None:
    revision = store.revision()
    report = import_ports(store, [("USLAX", PORT), ("AEAJM", PORT)], commit=False)
    assert report == Report(created=1, updated=0, unchanged=1, invalid=0)
    assert (store.count(), store.revision()) == (2, revision)


def test_an_invalid_record_stops_the_import_and_leaves_the_store(store: MemoryPortStore) -> None:
    before = list(store.stream(Selection()))
    with pytest.raises(InvalidRecord, match=r"^record 2 \('USNYC'\): is a number, not an object"):
        import_ports(store, [("USLAX", PORT), ("USNYC", 1), ("USOAK", PORT)])
    assert list(store.stream(Selection())) == before


def test_invalid_records_are_told_and_left_out_when_asked(store: MemoryPortStore) -> None:
    told: list[InvalidRecord] = []
    records = [("USLAX", PORT), ("USNYC", 1), ("bad", PORT), ("USOAK", PORT)]
    report = import_ports(store, records, skip_invalid=told.append)
    assert report == Report(created=2, updated=0, unchanged=0, invalid=2)
    assert [(error.number, error.key) for error in told] == [(2, "USNYC"), (3, "bad")]


@pytest.mark.parametrize("keys", [("AAAAA", "AAAAA"), ("ZZZZZ", "ZZZZ9", "ZZZZZ")])
def test_a_key_that_stands_twice_is_refused_even_when_skipping(
    store: MemoryPortStore, keys: tuple[str, ...]
) -> None:
    with pytest.raises(
        DuplicateRecord, match=rf"^record {len(keys)} \('{keys[-1]}'\): the key occurs twice"
    ):
        import_ports(store, [(key, PORT) for key in keys], skip_invalid=lambda _: None)
    assert store.count() == 2


def test_neighbouring_keys_are_not_taken_for_duplicates(store: MemoryPortStore) -> None:
    keys = [f"AAA{a}{b}" for a in "ABYZ29" for b in "ABCDEFGHYZ23456789"]
    assert import_ports(store, [(key, PORT) for key in keys]).created == len(keys)


def test_a_feed_that_breaks_off_leaves_the_store(store: MemoryPortStore) -> None:
    def records() -> Iterator[tuple[str, object]]:
        yield "USLAX", PORT
        raise FeedError("cut off", 2)

    with pytest.raises(FeedError, match="cut off"):
        import_ports(store, records())
    assert store.count() == 2

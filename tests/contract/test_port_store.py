"""The contract of every `PortStore`."""

import threading
import time
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from seaports.adapters.document import encode
from seaports.application.interfaces import Changes, Document, PortStore, Selection
from seaports.domain.errors import FeedError, PreconditionFailed, UnknownPort
from seaports.domain.port import Port, Unlocode

from tests.support.thorough import scaled

IMPORTS = scaled(80)  # beside readers, at least
READS = scaled(40)  # of each reader, at least


def port(port_id: str, name: str = "Somewhere", country: str = "Utopia") -> Port:
    return Port(Unlocode(port_id), name, name, country, unlocs=(Unlocode(port_id),))


def ids(documents: Iterator[Document] | list[Document]) -> list[str]:
    return [orjson.loads(document)["id"] for document in documents]


def always(_document: Document | None) -> None:
    pass


def never(_document: Document | None) -> None:
    raise PreconditionFailed("never")


THREE = [port("CCAAA", "Beta", "Chile"), port("AAAAA", "Alpha"), port("BBAAA", "ALPHABET")]


def test_an_empty_store_has_nothing(store: PortStore) -> None:
    assert store.count() == 0
    assert store.get(Unlocode("AAAAA")) is None
    page = store.page(Selection(), 10)
    assert (page.documents, page.next, page.revision) == ([], None, store.revision())
    assert list(store.stream(Selection())) == []


def test_get_returns_the_encoding_of_an_upserted_port(store: PortStore) -> None:
    whole = Port(
        Unlocode("AAAAA"), "Ålesund\u00a0'\"\\%_", "c", "d", ("x", "y"), ("z",), (1.5, -2.25),
        "p", "Europe/Oslo", (Unlocode("AAAAA"), Unlocode("AAAAB")), "123",
    )  # fmt: skip
    assert store.upsert_many([whole]) == Changes(created=1)
    assert store.get(Unlocode("AAAAA")) == encode(whole)
    assert store.count() == 1


def test_an_upsert_counts_what_it_created_updated_and_left(store: PortStore) -> None:
    store.upsert_many(THREE)
    again = [port("AAAAA", "Alpha"), port("BBAAA", "Gamma"), port("DDAAA")]
    assert store.upsert_many(again) == Changes(created=1, updated=1, unchanged=1)
    assert store.count() == 4
    document = store.get(Unlocode("BBAAA"))
    assert document is not None
    assert orjson.loads(document)["name"] == "Gamma"


def test_an_upsert_that_is_not_to_be_committed_only_counts(store: PortStore) -> None:
    store.upsert_many(THREE)
    revision = store.revision()
    changes = store.upsert_many([port("AAAAA", "New"), port("DDAAA")], commit=False)
    assert changes == Changes(created=1, updated=1)
    assert (store.count(), store.revision()) == (3, revision)
    assert ids(store.stream(Selection(q="new"))) == []


def test_an_upsert_whose_ports_break_off_changes_nothing(store: PortStore) -> None:
    store.upsert_many(THREE)
    before = (store.count(), store.revision(), list(store.stream(Selection())))

    def ports() -> Iterator[Port]:
        yield port("DDAAA")
        yield port("AAAAA", "New")
        raise FeedError("broken off")

    with pytest.raises(FeedError, match="broken off"):
        store.upsert_many(ports())
    assert (store.count(), store.revision(), list(store.stream(Selection()))) == before


def test_the_revision_changes_with_the_content_and_only_then(store: PortStore) -> None:
    seen = [store.revision()]
    store.upsert_many(THREE)
    seen.append(store.revision())
    store.put(port("DDAAA"), always)
    seen.append(store.revision())
    store.put(port("DDAAA", "New"), always)
    seen.append(store.revision())
    store.delete(Unlocode("AAAAA"), always)
    seen.append(store.revision())
    assert len(set(seen)) == 5
    assert all(0 <= revision < 2**53 for revision in seen)
    store.upsert_many([port("DDAAA", "New")])
    store.put(port("DDAAA", "New"), always)
    assert store.revision() == seen[-1]


def test_pages_follow_one_another_in_the_order_of_ids(store: PortStore) -> None:
    store.upsert_many(THREE)
    first = store.page(Selection(), 2)
    assert (ids(first.documents), first.next) == (["AAAAA", "BBAAA"], "BBAAA")
    second = store.page(Selection(after=first.next), 2)
    assert (ids(second.documents), second.next) == (["CCAAA"], None)
    assert store.page(Selection(), 3).next is None
    assert first.revision == second.revision == store.revision()


def test_a_page_may_start_after_an_id_that_no_port_has(store: PortStore) -> None:
    store.upsert_many(THREE)
    assert ids(store.page(Selection(after=Unlocode("ABAAA")), 9).documents) == ["BBAAA", "CCAAA"]
    assert ids(store.page(Selection(after=Unlocode("ZZZZZ")), 9).documents) == []


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["AAAAA", "BBAAA", "CCAAA"]),
        (Selection(country="uTOPIA"), ["AAAAA", "BBAAA"]),
        (Selection(country="Utop"), []),
        (Selection(country="Nowhere"), []),
        (Selection(q="alpha"), ["AAAAA", "BBAAA"]),
        (Selection(q="ET"), ["BBAAA", "CCAAA"]),
        (Selection(q="aA"), []),
        (Selection(q="\n"), []),
        (Selection(q="a\na"), []),
        (Selection(q="%"), []),
        (Selection(q="_"), []),
        (Selection(q="\\"), []),
        (Selection(q="et", country="Chile"), ["CCAAA"]),
        (Selection(q="beta", country="Utopia"), []),
        (Selection(after=Unlocode("AAAAA"), q="alpha"), ["BBAAA"]),
        (Selection(after=Unlocode("AAAAA"), country="Utopia"), ["BBAAA"]),
        (Selection(after=Unlocode("AAAAA"), country="Utopia", q="alpha"), ["BBAAA"]),
    ],
)
def test_a_selection_is_the_same_in_pages_and_in_a_stream(
    store: PortStore, selection: Selection, expected: list[str]
) -> None:
    store.upsert_many(THREE)
    assert ids(store.page(selection, 9).documents) == expected
    assert ids(store.stream(selection)) == expected


def test_names_are_compared_folded_whatever_the_script(store: PortStore) -> None:
    store.upsert_many(
        [port("AAAAA", "GROẞENBRODE"), port("BBAAA", "İzmir"), port("CCAAA", "Kýthnos")]
    )
    assert ids(store.stream(Selection(q="grossen"))) == ["AAAAA"]
    assert ids(store.stream(Selection(q="Großen"))) == ["AAAAA"]
    assert ids(store.stream(Selection(q="KÝTH"))) == ["CCAAA"]


def test_a_put_creates_then_replaces_if_its_precondition_holds(store: PortStore) -> None:
    seen: list[Document | None] = []
    assert store.put(port("AAAAA", "One"), seen.append) is True
    assert store.put(port("AAAAA", "Two"), seen.append) is False
    assert seen == [None, encode(port("AAAAA", "One"))]
    assert store.get(Unlocode("AAAAA")) == encode(port("AAAAA", "Two"))
    assert ids(store.stream(Selection(q="two"))) == ["AAAAA"]
    with pytest.raises(PreconditionFailed):
        store.put(port("AAAAA", "Three"), never)
    assert store.get(Unlocode("AAAAA")) == encode(port("AAAAA", "Two"))
    assert store.count() == 1


def test_a_delete_removes_a_port_if_its_precondition_holds(store: PortStore) -> None:
    store.upsert_many(THREE)
    with pytest.raises(UnknownPort, match="no port has the id ZZZZZ"):
        store.delete(Unlocode("ZZZZZ"), always)
    with pytest.raises(PreconditionFailed):
        store.delete(Unlocode("AAAAA"), never)
    seen: list[Document | None] = []
    store.delete(Unlocode("AAAAA"), seen.append)
    assert seen == [encode(THREE[1])]
    assert store.get(Unlocode("AAAAA")) is None
    assert ids(store.stream(Selection())) == ["BBAAA", "CCAAA"]
    assert store.count() == 2


def test_one_of_two_writers_with_the_same_precondition_wins(store: PortStore) -> None:
    store.upsert_many(THREE)
    before = store.get(Unlocode("AAAAA"))
    both = threading.Barrier(2)
    outcomes: list[str] = []

    def write(name: str) -> None:
        from django.db import connections  # noqa: PLC0415 - this thread's own connection

        def unchanged(document: Document | None) -> None:
            if document != before:
                raise PreconditionFailed("changed")

        both.wait(timeout=10)
        try:
            store.put(port("AAAAA", name), unchanged)
            outcomes.append("won")
        except PreconditionFailed:
            outcomes.append("lost")
        finally:
            connections.close_all()

    writers = [threading.Thread(target=write, args=(name,)) for name in ("One", "Two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=30)
    assert sorted(outcomes) == ["lost", "won"]


def test_a_stream_is_of_one_moment(store: PortStore) -> None:
    many = [port(f"AAA{a}{b}", "Old") for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGH"]
    store.upsert_many(many)
    stream = store.stream(Selection())
    documents = [next(stream)]
    change = threading.Thread(target=_upsert, args=(store, [port(p.id, "New") for p in many]))
    change.start()
    change.join(timeout=30)
    documents.extend(stream)
    assert {orjson.loads(document)["name"] for document in documents} == {"Old"}
    assert len(documents) == len(many)
    assert ids(store.stream(Selection(q="new"))) == [p.id for p in many]


def _upsert(store: PortStore, ports: list[Port]) -> None:
    from django.db import connections  # noqa: PLC0415 - this thread's own connection

    try:
        store.upsert_many(ports)
    finally:
        connections.close_all()


def test_readers_never_see_half_an_import(store: PortStore) -> None:
    some = [f"AAAA{last}" for last in "ABCDEFGHIJKLMNOPQRST"]
    store.upsert_many([port(port_id, "0") for port_id in some])
    stop = threading.Event()
    torn: list[set[str]] = []
    reads = [0] * 16

    def read(reader: int) -> None:
        from django.db import connections  # noqa: PLC0415 - this thread's own connection

        while not stop.is_set():
            page = store.page(Selection(), 1000)
            names = {orjson.loads(document)["name"] for document in page.documents}
            if len(names) != 1 or len(page.documents) != len(some):
                torn.append(names)
            reads[reader] += 1
            connections.close_all()  # back to the pool, as at the end of a request

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(len(reads))]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 90
    imports = 0
    while (imports < IMPORTS or min(reads) < READS) and time.monotonic() < deadline:
        imports += 1
        store.upsert_many([port(port_id, str(imports)) for port_id in some])
    stop.set()
    for reader in readers:
        reader.join(timeout=30)
    print(f"\n{imports} imports, {sum(reads)} reads by {len(reads)} readers, {len(torn)} torn")
    assert torn == []
    assert imports >= IMPORTS
    assert min(reads) >= READS


codes = st.text("ABC", min_size=5, max_size=5)


@given(first=st.sets(codes), later=st.sets(codes), limit=st.integers(1, 5))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_walk_over_pages_yields_what_stays_once_while_imports_happen(
    store: PortStore, first: set[str], later: set[str], limit: int
) -> None:
    """The guarantee of a walk: ids ascend, so none twice; none that was there throughout lacks."""
    held = set(ids(store.stream(Selection())))
    store.upsert_many([port(port_id) for port_id in sorted(first)])
    walked: list[str] = []
    imports = iter(sorted(later))
    after: Unlocode | None = None
    while True:
        page = store.page(Selection(after=after), limit)
        walked += ids(page.documents)
        assert len(page.documents) <= limit
        if page.next is None:
            break
        after = page.next
        if (new := next(imports, None)) is not None:
            store.upsert_many([port(new)])
    assert walked == sorted(set(walked))
    assert first | held <= set(walked) <= first | held | later

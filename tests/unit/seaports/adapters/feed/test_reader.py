import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from seaports.adapters.feed.reader import MAX_RECORD_BYTES, read_records
from seaports.adapters.feed.source import CHUNK
from seaports.domain.errors import FeedError

from tests.support.thorough import examples

RECORD = b'{"AEAJM":{"name":"Ajman"}'


def read(data: bytes) -> list[tuple[str, object]]:
    return list(read_records(io.BytesIO(data)))


@pytest.mark.parametrize(
    "data",
    [
        RECORD + b"}",
        b"\xef\xbb\xbf" + RECORD + b"}",
        b" \n\t" + RECORD + b"} \n",
        gzip.compress(RECORD + b"}", mtime=0),
        gzip.compress(b"\xef\xbb\xbf" + RECORD + b"}", mtime=0),
        b" " * 3 * CHUNK + RECORD + b"}",
    ],
    ids=["plain", "bom", "blanks", "gzip", "gzip-bom", "many-blanks"],
)
def test_each_accepted_form_of_a_file_yields_its_records(data: bytes) -> None:
    assert read(data) == [("AEAJM", {"name": "Ajman"})]


def test_an_object_without_records_yields_none() -> None:
    assert read(b"{}") == []


def test_the_same_key_twice_is_yielded_twice_for_the_use_case_to_refuse() -> None:
    assert read(b'{"AEAJM":1,"AEAJM":2}') == [("AEAJM", 1), ("AEAJM", 2)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty: it must be a JSON object of ports by UN/LOCODE"),
        (b" \n ", "the file is empty: it must be a JSON object of ports by UN/LOCODE"),
        (b"[1]", "the file must be a JSON object of ports by UN/LOCODE"),
        (b"null", "the file must be a JSON object of ports by UN/LOCODE"),
        (b"hello", "the file must be a JSON object of ports by UN/LOCODE"),
        (RECORD, "record 1: not valid JSON: the file ends before its object does"),
        (b'{"A":1,"B":2,"C" 3}', "record 3: not valid JSON: unexpected character, expected ':'"),
        (RECORD[:-3], "record 1: not valid JSON: the file ends before its object does"),
        (RECORD + b"} x", "record 2: not valid JSON: something follows the object"),
        (RECORD + b"}{}", "record 2: not valid JSON: something follows the object"),
        (RECORD + b'}"x', "record 2: not valid JSON: something follows the object"),
        (RECORD + b"}" + b" " * CHUNK + b"x", "record 2: not valid JSON: something follows"),
        (b'{"A":1}' + b" " * (CHUNK - 7) + b"x", "record 2: not valid JSON: something follows"),
        (RECORD + b"}\v", "record 2: not valid JSON: something follows the object"),
        (b'{"A":\v1}', "record 1: not valid JSON: unexpected character"),
        (b'{"A":1]', "record 1: not valid JSON: "),
        (b'{"A":[1},"B":2]}', "record 1: not valid JSON: "),
        (b'{"A" 1}', "record 1: not valid JSON: unexpected character"),
        (b'{"AAAAA":{"a" 1},"BBBBB":{}}', "record 1: not valid JSON: unexpected character"),
        (b'{"AAAAA":{"a":"\\ud800"},"BBBBB":{}}', "record 1: not valid JSON: no low surrogate"),
        (b'{"AAAAA":{"a":"\\udbff\\u0041"}}', "record 1: not valid JSON: invalid low surrogate"),
        (b'{"A":NaN}', "record 1: not valid JSON: unexpected character"),
        (b'{"A":-Infinity}', "record 1: not valid JSON: "),
        (b'{"A":1e999}', "record 1: not valid JSON: number is infinity"),
        (b'{"A":' + b"1" * 5000 + b"}", "record 1: not valid JSON: number is infinity"),
        (b'{"A":"\xff"}', "record 1: not valid JSON: str is not valid UTF-8"),
        (b'{"A":"\x01"}', "record 1: not valid JSON: "),
        (b"/**/{}", "the file must be a JSON object of ports by UN/LOCODE"),
        (b'{"A":1,"B":"\\ud800"}', "record 2: not valid JSON: no low surrogate"),
        (b'{"A":1,"B":"\\udc00x"}', "record 2: not valid JSON: "),
        (b'{"A":"' + b"x" * 5000 + b'\\ud800"}', "record 1: not valid JSON: no low surrogate"),
        (b'{"A":' + b"[" * 9999 + b"]" * 9999 + b"}", "record 1: not valid JSON: depth limit"),
        (b'{"A":' * 100_000, "record 1: not valid JSON: the file ends before its object does"),
        (
            b'{"A":"' + b"x" * 2 * MAX_RECORD_BYTES + b'"}',
            "record 1: over 1048576 bytes without a whole record",
        ),
        (
            b'{"A":' * MAX_RECORD_BYTES,
            "record 1: over 1048576 bytes without a whole record",
        ),
        (
            gzip.compress(RECORD + b"}", mtime=0)[:-9],
            "record 1: the gzip data is damaged or cut off",
        ),
        (b"\x1f\x8b" + b"x" * 20, "record 1: the gzip data is damaged or cut off"),
    ],
)
def test_a_bad_file_is_refused_with_the_records_number(data: bytes, message: str) -> None:
    with pytest.raises(FeedError) as caught:
        read(data)
    assert str(caught.value).startswith(message)


def test_the_longest_record_that_is_valid_is_read_between_others() -> None:
    longest = [r"\ud83d\ude00" * 200] * 100
    lists = ",".join(
        f'"{name}":["' + '","'.join(longest) + '"]' for name in ("alias", "regions", "unlocs")
    )
    data = f'{{"AAAAA":{{}},"AAAAB":{{{lists},"coordinates":[1,2]}},"AAAAC":{{}}}}'.encode()
    found = dict(read(data))
    texts = ["😀" * 200] * 100
    expected = {"alias": texts, "regions": texts, "unlocs": texts, "coordinates": [1, 2]}
    assert found == {"AAAAA": {}, "AAAAB": expected, "AAAAC": {}}


@pytest.mark.parametrize("start", range(CHUNK - 16, CHUNK + 4))
def test_an_escape_is_read_wherever_a_chunk_ends(start: int) -> None:
    head = b'{"A":"'
    text = b"x" * (start - len(head))
    with pytest.raises(FeedError, match="no low surrogate"):
        read(head + text + b'\\ud800"}')
    assert read(head + text + b'\\ud83d\\ude00"}') == [("A", f"{text.decode()}😀")]
    assert read(head + text + b'\\\\\\"},{"}') == [("A", f'{text.decode()}\\"}},{{')]


def test_an_escaped_backslash_before_ud800_is_no_surrogate() -> None:
    assert read(rb'{"A":"\\ud800"}') == [("A", "\\ud800")]


def test_a_stream_that_cannot_be_read_is_said_so() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(FeedError, match="cannot be read: Input/output error"):
        list(read_records(Broken()))  # type: ignore[arg-type]


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(records: int) -> int:
        class Endless(io.RawIOBase):
            def __init__(self) -> None:
                self.chunks: Iterator[bytes] = iter(
                    [b"{", *[b'"AEAJM":{"name":"Ajman"},' for _ in range(records)], b'"A":1}']
                )

            def read(self, _size: int = -1) -> bytes:
                return next(self.chunks, b"")

        stream = Endless()
        tracemalloc.start()
        for _ in read_records(stream):  # type: ignore[arg-type]
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.1 * peak(2_000) + 100_000


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(
    st.dictionaries(st.text(min_size=1), json_values, max_size=5),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
)
def test_the_reader_yields_any_json_value_unchanged(
    value: dict[str, object], ascii_only: bool, zipped: bool, indent: int | str | None
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert dict(read(gzip.compress(data) if zipped else data)) == value


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        ('{"AAAAA":{},"AAAAA":{"a":1},"BBBBB":{}}', ["AAAAA", "AAAAA", "BBBBB"]),
        ('{"AAAAA":1,"AAAAA":{},"BBBBB":{}}', ["AAAAA", "AAAAA", "BBBBB"]),
        ('{"AAAAA":{},"AAAAA":1,"BBBBB":{},"BBBBB":{}}', ["AAAAA", "AAAAA", "BBBBB", "BBBBB"]),
        ('{"AAAAA":{"x":{},"BBBBB":{}},"CCCCC":{}}', ["AAAAA", "CCCCC"]),
        ('{"AAAAA":{"x":{},"AAAAA":{}},"AAAAA":{},"CCCCC":{}}', ["AAAAA", "AAAAA", "CCCCC"]),
        ('{"AAAAA":{"x":"},"},"BBBBB":{"x":"{"},"CCCCC":{}}', ["AAAAA", "BBBBB", "CCCCC"]),
        ('{"AAAAA":{"x":"},\\"BBBBB\\":{"},"CCCCC":{}}', ["AAAAA", "CCCCC"]),
        ('{ "AAAAA" : { } , "BBBBB"\n:\t{ } ,\r\n"CCCCC":{}}', ["AAAAA", "BBBBB", "CCCCC"]),
    ],
)
def test_no_text_and_no_second_key_hides_a_record(data: str, pairs: list[str]) -> None:
    assert [key for key, _ in read(data.encode())] == pairs


@pytest.mark.parametrize(
    "data", ['{,"AAAAA":{},"BBBBB":{}}', '{"AAAAA":{},,"BBBBB":{}}', '{"AAAAA":{},"BBBBB":{},}']
)
def test_a_comma_too_many_is_refused_wherever_it_stands(data: str) -> None:
    with pytest.raises(FeedError, match="not valid JSON"):
        read(data.encode())


# Numbers and texts that parsers of JSON read in more than one way.
disputed = st.sampled_from(
    [
        *(2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 10**308, 10**309),
        *("\ud800", "\udbff\u0041", "\udbff\udfff", "\udc00", "a\ud800", "\\ud800", "\v", "\x7f"),
        *(-0.0, 1e308, 5e-324, float("inf"), float("nan")),
    ]
)
tricky = st.text('{}",:[]\\ AB', max_size=12) | st.sampled_from(["AAAAA", "BBBBB"])
trickier = st.recursive(
    tricky | st.integers(0, 9) | disputed | st.integers(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(tricky, children, max_size=3),
    max_leaves=6,
)
members = st.tuples(st.sampled_from(["AAAAA", "BBBBB", "CCCCC", "x"]), trickier)


@examples(400)
@given(
    st.lists(members, max_size=8),
    st.sampled_from(["", " ", "\n\t", "\v"]),
    st.none()
    | st.tuples(st.integers(0, 200), st.sampled_from(["", "{", "}", '"', ",", "},", "]", "\v"])),
    st.sampled_from(["", " \r\n", "x", '"x', "}", ",", "\v"]),
)
@example([("AAAAA", {"name": 2**64})], "", None, "")
@example([("AAAAA", {"name": "\udbff\u0041"})], "", None, "")
@example([("AAAAA", {})], "", None, '"x')
@example([("AAAAA", {})], "\v", None, "")
def test_documents_are_accepted_and_refused_as_rfc_8259_says(
    pairs: list[tuple[str, object]], blank: str, edit: tuple[int, str] | None, end: str
) -> None:
    separator = f"{blank},{blank}"
    body = separator.join(f'"{key}"{blank}:{blank}{json.dumps(value)}' for key, value in pairs)
    if edit is not None:
        body = body[: edit[0]] + edit[1] + body[edit[0] + 1 :]
    for before in (0, 1, 80, 900):
        head = [f'"{_KEYS[n]}":{{"name":"A"}}' for n in range(before)]
        last = [f'"{_KEYS[n]}":{{"name":"B"}}' for n in range(before // 2)]
        data = "{" + blank + ",".join([*head, *([body] if body else []), *last]) + blank + "}" + end
        expected = _as_the_standard_library_reads(data)
        try:
            found: list[tuple[str, object]] | None = read(data.encode())
        except FeedError:
            found = None
        assert found == expected


_KEYS = ["".join(key) for key in product("X", "AB", "ABCDEFGHIJKLM", "23456789ABCD", "23456789AB")]


def _as_the_standard_library_reads(text: str) -> list[tuple[str, object]] | None:
    """Return a document's members, or None where RFC 8259 or this service's limits refuse it."""

    def refuse(constant: str) -> float:
        raise ValueError(constant)

    def integer(digits: str) -> int | float:
        number = int(digits)
        return number if -(2**63) <= number < 2**64 else real(digits)

    def real(digits: str) -> float:
        number = float(digits)
        return number if abs(number) != float("inf") else refuse(digits)

    try:
        whole = json.loads(
            text,
            object_pairs_hook=_Members,
            parse_constant=refuse,
            parse_int=integer,
            parse_float=real,
        )
        return [(_plain(key), _plain(value)) for key, value in whole]
    except ValueError:
        return None


class _Members(list[tuple[str, object]]):
    """The members of an object, each key as often as it stands there."""


def _plain(value: Any) -> Any:
    """Return a value with the last of equal keys; a lone surrogate stands for no character.

    Raises:
        UnicodeEncodeError: There is one.
    """
    if isinstance(value, _Members):
        return {_plain(key): _plain(each) for key, each in value}
    if isinstance(value, str):
        value.encode()
    return [_plain(each) for each in value] if isinstance(value, list) else value


@given(st.binary(max_size=200))
def test_any_bytes_end_in_records_or_a_feed_error(data: bytes) -> None:
    with suppress(FeedError):
        assert isinstance(read(data), list)

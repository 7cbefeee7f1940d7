import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import ijson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seaports.adapters.feed.reader import read_records
from seaports.adapters.feed.source import CHUNK, MAX_RECORD_BYTES
from seaports.domain.errors import FeedError

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
        (b"", "the file is empty: an object of ports by UN/LOCODE is expected"),
        (b" \n ", "the file is empty: an object of ports by UN/LOCODE is expected"),
        (b"[1]", "the top level is not an object of ports by UN/LOCODE"),
        (b"null", "the top level is not an object of ports by UN/LOCODE"),
        (b"hello", "the top level is not an object of ports by UN/LOCODE"),
        (RECORD, "record 1: not valid JSON: parse error: premature EOF"),
        (b'{"A":1,"B":2,"C" 3}', "record 3: not valid JSON: parse error: object key and value"),
        (RECORD[:-3], "record 1: not valid JSON: parse error: premature EOF"),
        (RECORD + b"} x", "record 2: not valid JSON: parse error: trailing garbage"),
        (RECORD + b"}{}", "record 2: not valid JSON: parse error: trailing garbage"),
        (b'{"A" 1}', "record 1: not valid JSON: parse error: object key and value must be"),
        (b'{"AAAAA":{"a" 1},"BBBBB":{}}', "record 1: not valid JSON: parse error: object key and"),
        (b'{"AAAAA":{"a":"\\ud800"},"BBBBB":{}}', "record 1 ('AAAAA'): a lone surrogate escape"),
        (b'{"A":NaN}', "record 1: not valid JSON: lexical error: invalid char in json text"),
        (b'{"A":-Infinity}', "record 1: not valid JSON: lexical error: malformed number"),
        (b'{"A":1e999}', "record 1: not valid JSON: parse error: numeric (floating point)"),
        (b'{"A":' + b"1" * 5000 + b"}", "record 1: not valid JSON: parse error: integer overflow"),
        (b'{"A":"\xff"}', "record 1: not valid JSON: lexical error: invalid bytes in UTF8 string"),
        (b'{"A":"\x01"}', "record 1: not valid JSON: lexical error: invalid character inside"),
        (b"/**/{}", "the top level is not an object of ports by UN/LOCODE"),
        (b'{"A":1,"B":"\\ud800"}', "record 2 ('B'): a lone surrogate escape"),
        (b'{"A":1,"B":"\\udc00x"}', "record 2: not valid JSON: utf-8"),
        (b'{"A":"\\uD800\\u0041"}', "record 1 ('A'): a lone surrogate escape"),
        (b'{"A":"' + b"x" * 5000 + b'\\ud800"}', "record 1 ('A'): a lone surrogate escape"),
        (
            b'{"A":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "record 1: over 1000 brackets, in texts too",
        ),
        (b'{"A":' * 100_000, "record 1: over 1000 brackets, in texts too: nested too deep"),
        (
            b'{"A":"' + b"x" * 2 * MAX_RECORD_BYTES + b'"}',
            "record 1: over 1048576 bytes without a whole record",
        ),
        (
            b'{"' + b"k" * 500_000 + b'":' + b"[" * 100 + b"1" + b"]" * 100 + b"}",
            "record 1: 101 brackets in 500194 bytes of one record",
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
def test_a_lone_surrogate_is_found_wherever_a_chunk_ends(start: int) -> None:
    head = b'{"A":"'
    with pytest.raises(FeedError, match="a lone surrogate"):
        read(head + b"x" * (start - len(head)) + b'\\ud800"}')
    whole = head + b"x" * (start - len(head)) + b'\\ud83d\\ude00"}'
    assert read(whole) == [("A", "x" * (start - len(head)) + "😀")]


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
    | st.integers(-(2**62), 2**62)
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
def test_whatever_json_holds_is_yielded_as_it_is(
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


tricky = st.text('{}",:[]\\ AB', max_size=12) | st.sampled_from(["AAAAA", "BBBBB"])
trickier = st.recursive(
    tricky | st.integers(0, 9),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(tricky, children, max_size=3),
    max_leaves=6,
)
members = st.tuples(st.sampled_from(["AAAAA", "BBBBB", "CCCCC", "x"]), trickier)


@given(
    st.lists(members, max_size=8),
    st.sampled_from(["", " ", "\n\t"]),
    st.none() | st.tuples(st.integers(0, 200), st.sampled_from(["", "{", "}", '"', ",", "},"])),
    st.integers(0, 8000),
)
def test_records_are_read_as_the_parser_reads_them_however_odd_the_file(
    pairs: list[tuple[str, object]], blank: str, edit: tuple[int, str] | None, regular: int
) -> None:
    head = "".join(f'"AAA{n:02}":{{"name":"A"}},' for n in range(regular % 100))
    separator = f"{blank},{blank}"
    body = separator.join(f'"{key}"{blank}:{blank}{json.dumps(value)}' for key, value in pairs)
    if edit is not None:
        body = body[: edit[0]] + edit[1] + body[edit[0] + 1 :]
    data = ("{" + blank + head * (regular // 100) + body + blank + "}").encode()
    expected, wrong = _read_until_wrong(ijson.kvitems(io.BytesIO(data), "", use_float=True))
    actual, error = _read_until_wrong(read_records(io.BytesIO(data)))
    assert (error is None) == (wrong is None)
    if error is None:
        assert actual == expected
    else:
        assert isinstance(error, FeedError)
        assert error.number == len(actual) + 1
        # The parser gives a record away with the next key, which may be what is wrong.
        assert len(actual) <= len(expected) + 1
        assert actual[: len(expected)] == expected


def _read_until_wrong(
    records: Iterator[tuple[str, object]],
) -> tuple[list[tuple[str, object]], Exception | None]:
    read: list[tuple[str, object]] = []
    try:
        for record in records:
            read.append(record)  # noqa: PERF402 - what came before the error stays
    except (FeedError, ijson.JSONError) as error:
        return read, error
    return read, None


@given(st.binary(max_size=200))
def test_whatever_bytes_come_end_in_records_or_in_a_feed_error(data: bytes) -> None:
    with suppress(FeedError):
        assert isinstance(read(data), list)

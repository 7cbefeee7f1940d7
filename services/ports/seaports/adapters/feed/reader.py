"""Reads the records of a ports file one by one, whatever the file's size."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import ijson
import orjson

from seaports.adapters.feed.source import BLANKS, CHUNK, Source
from seaports.domain.errors import FeedError

_BETWEEN: Final = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(?=")')
_begins: Final = re.compile(rb'"[A-Z0-9]{5}"[ \t\r\n]*:[ \t\r\n]*\{').match


def read_records(stream: BinaryIO) -> Iterator[tuple[str, object]]:
    """Yield each record's key and decoded value, in the file's order.

    The file is one JSON object, plain or gzip, with or without a BOM. Where a field stands twice
    in one record, the last one counts.

    Args:
        stream: The file, read from where it stands; not closed.

    Raises:
        FeedError: The file is not such an object, is cut off, or passes a bound that protects
            memory; the message names the record.
    """
    source = Source(stream)
    if not source.starts_with(b"{"):
        raise FeedError("the top level is not an object of ports by UN/LOCODE")
    yield from _regular(source)
    try:
        for pair in ijson.kvitems(source, "", use_float=True, buf_size=CHUNK):
            source.records += 1
            if source.lone_surrogate and _may_hold_one(pair):
                # Only the chunk is known for sure: a record before it may look as if it had one.
                raise FeedError(
                    r"a lone surrogate escape (\ud800 to \udfff), which stands for no character,"
                    f" here or in the {CHUNK} bytes that follow",
                    source.records,
                    pair[0],
                )
            yield pair
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise FeedError(f"not valid JSON: {_first_line(error)}", source.records + 1) from error


def _regular(source: Source) -> Iterator[tuple[str, object]]:
    """Yield records from the first on while they are regular; put the rest back, an object again.

    orjson halves the time, but it wants a whole value and keeps one of two equal keys. Cut where a
    bracket, a comma and a quote follow one another, every piece has to begin as a record under a
    plain key. If then as many brackets close as there are pieces, and all of it is JSON with as
    many keys, each piece is one record. Anything else, and the last record, is left to the parser
    that reads value by value and says what is wrong and where.
    """
    text = source.read().removeprefix(b"{").lstrip(BLANKS)
    try:
        while True:
            *pieces, rest = _BETWEEN.split(text)
            if pieces:
                end = text.rindex(b"}", 0, len(text) - len(rest)) + 1
                if not all(map(_begins, pieces)) or text.count(b"}", 0, end) != len(pieces):
                    return
                records = orjson.loads(b"{%b}" % text[:end])
                if len(records) != len(pieces):
                    return
                text = rest
                for pair in records.items():
                    source.records += 1
                    yield pair
            more = source.read()
            if not more:
                return
            text += more
    except orjson.JSONDecodeError:
        return
    finally:
        source.put_back(b"{" + text)


def _first_line(error: Exception) -> str:
    """Return the parser's own words without its picture of the place, which may hold anything."""
    message = error.args[0] if error.args else ""
    if isinstance(message, bytes):
        message = message.decode("utf-8", "replace")
    return str(message).strip().split("\n", 1)[0].rstrip(".")


def _may_hold_one(pair: object) -> bool:
    """Tell whether a value holds what the parser makes of a lone surrogate.

    That is a question mark or, with the escape behind it, a character beyond the first plane.
    """
    return any(character == "?" or character > "\uffff" for character in repr(pair))

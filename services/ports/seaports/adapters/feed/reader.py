"""Reads the records of a ports file one by one, whatever the file's size."""

from collections.abc import Iterator
from typing import BinaryIO

import ijson

from seaports.adapters.feed.source import CHUNK, Source
from seaports.domain.errors import FeedError


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

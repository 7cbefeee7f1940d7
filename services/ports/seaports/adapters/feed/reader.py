"""Reads the records of a ports file one by one, whatever the file's size."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import orjson

from seaports.adapters.feed.source import BLANKS, CHUNK, Source
from seaports.domain.errors import FeedError

MAX_RECORD_BYTES: Final = 1 << 20

_BETWEEN: Final = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(?=")')
_begins: Final = re.compile(rb'"[A-Z0-9]{5}"[ \t\r\n]*:[ \t\r\n]*\{').match
# Up to the end of a text, or to what may end a member.
_mark: Final = re.compile(
    rb'[^"{}\[\],]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|([{}\[\],]))', re.DOTALL
).match


def read_records(stream: BinaryIO) -> Iterator[tuple[str, object]]:
    """Yield each record's key and decoded value, in the file's order.

    The file is one JSON object, plain or gzip, with or without a BOM. Where a field stands twice
    in one record, the last one counts. An integer beyond 64 bits is a float.

    Args:
        stream: The file, read from where it stands; not closed.

    Raises:
        FeedError: The file is not such an object, is cut off, or has a record that is too large for
            the memory; the message names the record.
    """
    members = _Members(Source(stream))
    while not members.ended:
        if regular := members.take_regular():
            yield from regular.items()
            continue
        while True:
            yield from members.take_one().items()
            if members.ended or members.are_few:
                break
    members.end()


class _Members:
    """The members of the object that a feed is: cut from its bytes in two ways, decoded in one.

    orjson decodes both ways, so a record means the same wherever it stands, and is refused or not.

    Attributes:
        ended: Whether the last one was taken.
    """

    def __init__(self, source: Source) -> None:
        if not source.starts_with(b"{"):
            raise FeedError("the file must be a JSON object of ports by UN/LOCODE")
        self._source = source
        self._text = source.read()[1:]
        self.ended = False

    @property
    def are_few(self) -> bool:
        """Whether less than a chunk has been read ahead."""
        return len(self._text) < CHUNK

    def take_regular(self) -> dict[str, object]:
        """Return the next members while they are regular, at once; none if the next one is not.

        Cut where a bracket, a comma and a quote follow one another, every piece has to begin as a
        record under a plain key. If then as many brackets close as there are pieces, and all of it
        is JSON with as many keys, each piece is one record.
        """
        if self.are_few:
            self._text += self._source.read()
        text = self._text.lstrip(BLANKS)
        *pieces, rest = _BETWEEN.split(text)
        if not pieces or not all(map(_begins, pieces)):
            return {}
        end = text.rindex(b"}", 0, len(text) - len(rest)) + 1
        if text.count(b"}", 0, end) != len(pieces):
            return {}
        try:
            records: dict[str, object] = orjson.loads(b"{%b}" % text[:end])
        except orjson.JSONDecodeError:
            return {}
        if len(records) != len(pieces):
            return {}
        self._text = rest
        self._source.records += len(records)
        return records

    def take_one(self) -> dict[str, object]:
        """Return the next member, whatever it looks like; none where the object is empty.

        Raises:
            FeedError: It is no JSON, is cut off or too large.
        """
        end = self._find_end()
        text, self._text = self._text[:end], self._text[end:]
        self.ended = not text.endswith(b",")
        whole = b"{%b" % text if self.ended else b"{%b}" % text[:-1]
        try:
            record: dict[str, object] = orjson.loads(whole)
        except orjson.JSONDecodeError as error:
            raise self._error(f"not valid JSON: {error.msg}") from error
        if not record and not (self.ended and self._source.records == 0):
            raise self._error("not valid JSON: a comma too many")
        self._source.records += len(record)
        return record

    def end(self) -> None:
        """Read to the end of the file.

        Raises:
            FeedError: Something follows the object.
        """
        text = self._text or self._source.read()
        while text:
            if text.strip(BLANKS):
                raise self._error("not valid JSON: something follows the object")
            text = self._source.read()

    def _find_end(self) -> int:
        """Return where the text behind the next member, and the mark that ends it, begins."""
        place = depth = 0
        while True:
            mark = _mark(self._text, place)
            if mark is None:
                self._read_more()
                continue
            place = mark.end()
            match mark[1]:
                case b"{" | b"[":
                    depth += 1
                case b"}" | b"]":
                    depth -= 1
                    if depth < 0:
                        return place
                case b"," if depth == 0:
                    return place

    def _read_more(self) -> None:
        if len(self._text) > MAX_RECORD_BYTES:
            raise self._error(f"over {MAX_RECORD_BYTES} bytes without a whole record")
        more = self._source.read()
        if not more:
            raise self._error("not valid JSON: the file ends before its object does")
        self._text += more

    def _error(self, reason: str) -> FeedError:
        return FeedError(reason, self._source.records + 1)

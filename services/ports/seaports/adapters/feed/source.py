"""Bytes of a feed: plain or gzip, BOM removed."""

import gzip
import io
import zlib
from typing import BinaryIO, Final

from seaports.domain.errors import FeedError

CHUNK: Final = 16384
BLANKS: Final = b" \t\r\n"

_READ_AT_ONCE: Final = 1 << 16
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"


class Source:
    """The bytes of a feed, in chunks.

    Attributes:
        records: Set by the reader of records: how many are complete so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Look at the first bytes.

        Raises:
            FeedError: The input is empty or cannot be read.
        """
        self.records = 0
        plain = io.BufferedReader(_Raw(stream), _READ_AT_ONCE)
        try:
            zipped = plain.peek(len(_GZIP)).startswith(_GZIP)
        except OSError as error:
            raise self._unreadable(error) from error
        self._stream: io.BufferedIOBase = gzip.GzipFile(fileobj=plain) if zipped else plain
        self._held = self._first()

    def starts_with(self, text: bytes) -> bool:
        """Tell whether the first bytes that are no blanks are these; before any `read`."""
        return self._held.startswith(text)

    def read(self) -> bytes:
        """Return the next bytes, about a chunk; none at the end.

        Raises:
            FeedError: They cannot be read.
        """
        if self._held:
            held, self._held = self._held, b""
            return held
        try:
            return self._stream.read(CHUNK)
        except (EOFError, zlib.error, OSError) as error:
            raise self._unreadable(error) from error

    def _first(self) -> bytes:
        self._held = b""
        head = self.read().removeprefix(_BOM).lstrip(BLANKS)
        while not head:
            more = self.read()
            if not more:
                raise FeedError("the file is empty: it must be a JSON object of ports by UN/LOCODE")
            head = more.lstrip(BLANKS)
        return head

    def _unreadable(self, error: Exception) -> FeedError:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            reason = f"cannot be read: {error.strerror or error}"
        else:
            reason = f"the gzip data is damaged or cut off ({error})"
        return FeedError(reason, self.records + 1)


class _Raw(io.RawIOBase):
    """Makes any binary stream, a pipe or a progress bar's wrapper too, one that can be buffered."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

"""Bytes of a feed: plain or gzip, BOM removed, and bounded before the JSON parser sees them."""

import gzip
import io
import re
import zlib
from typing import BinaryIO, Final

from seaports.domain.errors import FeedError

# ijson keeps the whole path of every open bracket, so its memory grows with the square of the
# nesting, 4 KB of `[` cost 42 MB, 64 KB cost 10 GB, and with the length of the keys around. Chunks
# whose brackets are counted before they are handed over bound that. The shortest record with all
# five brackets has 100 bytes, so that a chunk of whole records holds fewer than are allowed.
CHUNK: Final = 16384
BLANKS: Final = b" \t\r\n"
MAX_BRACKETS: Final = 1000
MAX_RECORD_BYTES: Final = 1 << 20
# Brackets times bytes of a record; a character takes up to four of memory. The largest record that
# is valid has 5 brackets and 0.4 MB, the fullest chunk of records 800 in 16 KB.
MAX_PATHS: Final = 1 << 24

_READ_AT_ONCE: Final = 1 << 16
_FIRST: Final = 256
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
# Half of a surrogate pair stands for no character, and the parser makes a question mark of it. Both
# patterns end with the escape, which may stand behind backslashes that are escaped themselves.
_LONE_SURROGATE: Final = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:"
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_ESCAPE: Final = len(rb"\ud800")
_CONTEXT: Final = 4 * _ESCAPE


class Source:
    """The bytes of a feed for a parser that asks by `read`.

    Attributes:
        records: Set by the reader of records: how many are complete so far.
        lone_surrogate: Whether the bytes handed over held one, anywhere so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Look at the first bytes.

        Raises:
            FeedError: The input is empty or cannot be read.
        """
        self.records = 0
        self.lone_surrogate = False
        self._records_before = self._brackets = self._bytes = 0
        plain = io.BufferedReader(_Raw(stream), _READ_AT_ONCE)
        try:
            zipped = plain.peek(len(_GZIP)).startswith(_GZIP)
        except OSError as error:
            raise self._unreadable(error) from error
        self._stream: io.BufferedIOBase = gzip.GzipFile(fileobj=plain) if zipped else plain
        self._held = self._first()
        self._context = self._put_back = b""

    def starts_with(self, text: bytes) -> bool:
        """Tell whether the first bytes that are no blanks are these; before any `read`."""
        return self._held.startswith(text)

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes, none at the end; how many is this class's choice.

        Args:
            size: 0 returns none: so the parser asks for the type.

        Raises:
            FeedError: The bytes cannot be read, or a bound is passed.
        """
        if size == 0:
            return b""
        if self._put_back:
            data, self._put_back = self._put_back, b""
            return data
        # What follows an escape decides what it stands for, so the last bytes wait for more.
        more = self._next()
        known = self._held + more
        end = len(known) - 2 * _ESCAPE if more else len(known)
        if end <= 0 and more:
            self._held = known
            return self.read(size)
        chunk, self._held = known[:end], known[end:]
        self._bound(chunk)
        self._notice_lone_surrogates(chunk)
        return chunk

    def put_back(self, data: bytes) -> None:
        """Let these bytes, once read, be read next."""
        self._put_back = data

    def _first(self) -> bytes:
        # Little, because the first chunk is this and a whole one.
        head = self._next(_FIRST).removeprefix(_BOM).lstrip(BLANKS)
        while not head:
            more = self._next(_FIRST)
            if not more:
                raise FeedError("the file is empty: an object of ports by UN/LOCODE is expected")
            head = more.lstrip(BLANKS)
        return head

    def _next(self, size: int = CHUNK) -> bytes:
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> FeedError:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            return self._error(f"cannot be read: {error.strerror or error}")
        return self._error(f"the gzip data is damaged or cut off ({error})")

    def _bound(self, chunk: bytes) -> None:
        if self.records > self._records_before:
            self._records_before, self._brackets, self._bytes = self.records, 0, 0
        self._brackets += chunk.count(b"[") + chunk.count(b"{")
        self._bytes += len(chunk)
        if self._brackets > MAX_BRACKETS:
            raise self._error(f"over {MAX_BRACKETS} brackets, in texts too: nested too deep")
        if self._brackets * self._bytes > MAX_PATHS:
            raise self._error(f"{self._brackets} brackets in {self._bytes} bytes of one record")
        if self._bytes > MAX_RECORD_BYTES:
            raise self._error(f"over {MAX_RECORD_BYTES} bytes without a whole record")

    def _notice_lone_surrogates(self, chunk: bytes) -> None:
        window = self._context + chunk + self._held
        # One character is found ten times as fast as two, and most files hold no backslash.
        if b"\\" in window and (rb"\ud" in window or rb"\uD" in window):
            first = len(self._context)
            self.lone_surrogate |= any(
                first <= match.end() - _ESCAPE < first + len(chunk)
                for match in _LONE_SURROGATE.finditer(window)
            )
        self._context = window[: len(window) - len(self._held)][-_CONTEXT:]

    def _error(self, reason: str) -> FeedError:
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

"""Standard output that never blocks the service: it drops and counts lines that nobody reads."""

import logging
import os
import select
import stat
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TextIO

from telemetry import lines, names

# Seconds that the rest of a long line waits for a reader.
_PATIENCE: Final = 0.1

Line = Callable[[float, str, str, str, Mapping[str, Any]], str]


def _opened_anew(given: int) -> int | None:
    """Return a descriptor of a pipe that refuses, and does not block, where nobody reads.

    The pipe is opened again, because the flag would also hold for other processes that have it.
    None where that is not possible: then the pipe is asked before each write.
    """
    try:
        return os.open(f"/proc/self/fd/{given}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # another user's pipe, or a system without /proc
        return None


class Output(logging.StreamHandler[TextIO]):
    """Writes each line by one call to the system, which keeps short lines whole.

    A thread of logging holds a lock while it writes, and a write releases the GIL. All other
    threads that log then wait for a thread that waits for the GIL.
    """

    def __init__(self, stream: TextIO, line: Line) -> None:
        """Write to a stream; `line` makes an event's line of time, logger, level, event, fields."""
        super().__init__(stream)
        self._line = line
        try:
            self._descriptor: int | None = stream.fileno()
        except OSError:  # a text in memory
            self._descriptor = None
        self._own: int | None = None
        self._is_asked = False
        if self._descriptor is not None and stat.S_ISFIFO(os.fstat(self._descriptor).st_mode):
            self._own = _opened_anew(self._descriptor)
            self._is_asked = self._own is None
            self._descriptor = self._descriptor if self._own is None else self._own
        self._cut = False  # the last line lacks its end

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record's line if the filters let it through."""
        wanted = bool(self.filter(record))
        if wanted:
            self.emit(record)
        return wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line; where that fails, do as logging is set to."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 -- what cannot be shown costs no line
            text = lines.broken(record, error)
        try:
            self._write(text)
        except Exception:  # noqa: BLE001 -- a full disk must not fail a request
            self.handleError(record)

    def write_event(self, name: str, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Write the line of an event of ours without a record."""
        called = logging.getLevelName(level)
        try:
            self._write(self._line(time.time(), name, called.lower(), event, fields))
        except Exception:  # noqa: BLE001 -- as above
            record = logging.LogRecord(name, level, "", 0, event, (), None)
            self.handleError(record)

    def close(self) -> None:
        """Close the pipe that was opened again."""
        own, self._own = self._own, None
        if own is not None:
            os.close(own)
            self._descriptor = self.stream.fileno()
        super().close()

    def _write(self, text: str) -> None:
        line = text + self.terminator
        if self._descriptor is None:
            self.stream.write(line)
            return
        data = line.encode(errors="backslashreplace")
        try:
            if len(data) <= select.PIPE_BUF and not self._cut:
                data = data[self._send(data) :]  # all, unless a disk is nearly full
            if data:
                with self.lock:  # type: ignore[union-attr]
                    self._write_all(data)
        except (BlockingIOError, BrokenPipeError):  # nobody reads now, or ever again
            _drop()

    def _send(self, data: bytes) -> int:
        """Write what can be taken now; return how many bytes."""
        descriptor: int = self._descriptor  # type: ignore[assignment]
        if self._is_asked:
            # Writable means that so much fits, unless another process is faster.
            data = data[: select.PIPE_BUF]
            if not select.select([], [descriptor], [], 0)[1]:
                raise BlockingIOError
        return os.write(descriptor, data)

    def _write_all(self, data: bytes) -> None:
        if self._cut:
            data = self.terminator.encode() + data
        whole, until = len(data), time.monotonic() + _PATIENCE
        while data:
            try:
                data = data[self._send(data) :]
            except BlockingIOError:
                if time.monotonic() > until:
                    self._cut = self._cut or len(data) < whole
                    raise
                time.sleep(_PATIENCE / 10)
            else:
                self._cut = False


def _drop() -> None:
    from telemetry import metrics

    metrics.counter(names.LOG_LINES_DROPPED).inc()

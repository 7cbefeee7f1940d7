"""Numbers that gunicorn's master process and its workers share, in memory mapped before a fork."""

import mmap
import struct
import time
from typing import Final

_DRAINING, _TIMEOUTS, _COMPLAINT, _BEEN_READY = 0, 8, 16, 24
_memory: Final = mmap.mmap(-1, mmap.PAGESIZE)  # anonymous and shared: zeros, inherited by fork
_number: Final = struct.Struct("d")


def _read(offset: int) -> float:
    value: float = _number.unpack_from(_memory, offset)[0]
    return value


def _write(offset: int, value: float) -> None:
    # One slice assignment is one memcpy: a reader never sees half of it.
    _memory[offset : offset + _number.size] = _number.pack(value)


def is_draining() -> bool:
    """Say whether SIGTERM has come: true in every worker until the processes end."""
    return _read(_DRAINING) > 0


def start_draining() -> None:
    """Make is_draining() true everywhere."""
    _write(_DRAINING, 1.0)


def has_been_ready() -> bool:
    """Say whether mark_ready() was called in any worker since the server started."""
    return _read(_BEEN_READY) > 0


def mark_ready() -> None:
    """Make has_been_ready() true everywhere, also in workers that start later."""
    _write(_BEEN_READY, 1.0)


def worker_timeouts() -> float:
    """Return how many workers the arbiter killed because they stopped answering."""
    return _read(_TIMEOUTS)


def count_worker_timeout() -> None:
    """Count one more; only the arbiter writes, so that no lock is needed."""
    _write(_TIMEOUTS, _read(_TIMEOUTS) + 1)


def may_complain(every_seconds: float) -> bool:
    """Say yes at most once in so many seconds, counted over all workers together.

    Two workers asking within the same microseconds may both get a yes.
    """
    now = time.monotonic()
    last = _read(_COMPLAINT)
    if last and now - last < every_seconds:
        return False
    _write(_COMPLAINT, now)
    return True

"""prometheus_client's multiprocess mode, one set of files per worker slot instead of per pid.

One worker at a time uses a slot; after its death, the next worker continues with the slot's values,
also after SIGKILL. So sums never decrease, and there are only as many files as workers were alive
at the same time.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable
from typing import Final

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
ARBITER: Final = 0

_slot = ARBITER
_directory: str | None = None


def enable() -> None:
    """Switch to a fresh directory of files, before any metric exists; a second call does nothing.

    The directory is ours alone: removed when the arbiter ends, whatever the environment said.
    """
    global _directory  # noqa: PLW0603 -- as the mode itself: one per process
    if _directory is not None:
        return
    directory = _directory = tempfile.mkdtemp(prefix="telemetry-")
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # forked workers inherit this exit handler
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    os.environ[DIRECTORY] = directory
    from prometheus_client import values

    # As django-prometheus documents it: documentation/exports.md, "uWSGI".
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: _slot)


def enabled() -> bool:
    """Say whether metrics are kept in files that several processes share."""
    return _directory is not None


def free_slot(taken: Iterable[int]) -> int:
    """Return the lowest slot, from 1, that no living worker has."""
    used = set(taken)
    slot = ARBITER + 1
    while slot in used:
        slot += 1
    return slot


def take_slot(slot: int) -> None:
    """Write to this slot's files from now on: called in the worker, right after the fork."""
    global _slot  # noqa: PLW0603 -- a process has one slot, as it has one pid
    _slot = slot


def forget_live_values(slot: int) -> None:
    """Drop the gauges that only a living worker has; its counters stay."""
    if enabled():
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(slot)

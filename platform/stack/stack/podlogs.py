"""Container logs as a node keeps them, for the agent Collector to tail.

A stand-in for kubelet and containerd: they write each line that a container prints to
/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log with time and stream before it.
"""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import IO


class PodLog:
    """Takes a process's standard output and writes it as a container's log."""

    def __init__(self, pods: Path, service: str) -> None:
        """Make the file of `service` under `pods`, and the pipe that feeds it."""
        folder = pods / f"local_{service}-0_00000000-0000-0000-0000-000000000000" / service
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "0.log"
        reading, self.writing_end = os.pipe()
        self._source: IO[bytes] = os.fdopen(reading, "rb")
        self._thread = threading.Thread(target=self._copy, name=f"log-{service}", daemon=True)

    def start(self) -> None:
        """Start copying; call once the writing process has its end of the pipe."""
        os.close(self.writing_end)
        self._thread.start()

    def join(self) -> None:
        """Wait until all that was written has been copied."""
        self._thread.join()

    def _copy(self) -> None:
        with self._source, self.file.open("ab", buffering=0) as log:
            for line in self._source:
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                log.write(f"{now} stdout F ".encode() + line)

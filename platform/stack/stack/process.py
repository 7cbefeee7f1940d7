"""A component as a process of its own: started, watched until it is ready, stopped."""

import math
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stack.errors import StackError

TAIL_LINES: Final = 20
STOP_SECONDS: Final = 15.0  # for an orderly stop, before the process is killed
POLL_SECONDS: Final = 0.05


@dataclass
class Process:
    """One local process.

    Attributes:
        name: What it is called in messages.
        command: Program and arguments.
        log: File that its output goes to.
        ready_url: URL that answers 200 once the component serves. For tcp://host:port and unix://path
            an open connection is enough.
        env: Variables beside those of this process.
        cwd: Where it runs.
        output: Takes its standard output in place of the log.
        authority: Certificate that its https ready_url is checked against; it may appear later.
        needed: Whether the stack ends when it ends.
        ready_seconds: How long it took to be ready, once it was.
    """

    name: str
    command: Sequence[str]
    log: Path
    ready_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    output: int | None = None
    authority: Path | None = None
    needed: bool = True
    ready_seconds: float | None = None
    _process: "subprocess.Popen[bytes] | None" = None
    _started: float = 0.0

    def prepare(self) -> None:
        """Get what it needs before it starts."""

    def start(self) -> None:
        """Start it, in a process group of its own."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._started, self.ready_seconds = time.monotonic(), None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command lines
                list(self.command),
                env={**os.environ, **self.env},
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=self.output if self.output is not None else log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            StackError: If it was not started.
        """
        if self._process is None:
            raise StackError(f"{self.name} was not started")
        return self._process.pid

    def check(self, ready_within: float = math.inf) -> None:
        """Raise a StackError with the log's end if it ended, or is not ready in time.

        Args:
            ready_within: Seconds that it has from its start.
        """
        if self._process is not None and (code := self._process.poll()) is not None:
            raise StackError(f"{self.name} ended with exit code {code}:\n{self.tail()}")
        late = time.monotonic() - self._started > ready_within
        if self.ready_seconds is None and late and not self.is_ready():
            raise StackError(
                f"{self.name} is not ready after {ready_within:.0f} s "
                f"({self.ready_url}):\n{self.tail()}"
            )

    def is_ready(self) -> bool:
        """Ask it; notes the time at the first yes."""
        try:
            self._ask()
        except (urllib.error.URLError, OSError):
            return False
        if self.ready_seconds is None:
            self.ready_seconds = time.monotonic() - self._started
        return True

    def _ask(self) -> None:
        url = urllib.parse.urlsplit(self.ready_url)
        if url.scheme == "tcp":
            socket.create_connection((url.hostname or "", url.port or 0), timeout=2).close()
            return
        if url.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(url.path)
            return
        tls = ssl.create_default_context(cafile=self.authority) if self.authority else None
        urllib.request.urlopen(self.ready_url, timeout=2, context=tls).close()  # noqa: S310 - local

    def wait_ready(self, seconds: float) -> None:
        """Wait until it is ready.

        Raises:
            StackError: If it ends, or is not ready in time.
        """
        while not self.is_ready():
            self.check(seconds)
            time.sleep(POLL_SECONDS)

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """Stop its whole group: orderly, and by force if that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        for number, patience in ((first, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            try:
                os.killpg(process.pid, number)
                process.wait(patience)
            except ProcessLookupError:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            return

    def tail(self) -> str:
        """Last lines of the log, indented."""
        with self.log.open(errors="replace") as log:
            lines = deque(log, TAIL_LINES)
        return "".join(f"    {line}" for line in lines) or "    (it said nothing)"

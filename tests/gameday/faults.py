"""Faults on purpose; with GAMEDAY_WITHOUT_FAULT=1 none, and every scenario must fail."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
from stack import chaos
from stack.postgresql import Server
from stack.stack import Stack

DATABASE: Final = "postgresql"
WITHOUT: Final = os.environ.get("GAMEDAY_WITHOUT_FAULT") == "1"


@dataclass
class Faults:
    """The faults of a game day, and their ends."""

    stack: Stack
    database: Server
    _stopped: set[str] = field(default_factory=set)
    _commands: dict[str, Sequence[str]] = field(default_factory=dict)

    def service(self, fault: str) -> None:
        """Make every request to /ports fail in a way that `make chaos` knows, or none (off)."""
        if not WITHOUT:
            chaos.inject(self.stack.site.fault, fault, 1)

    def stop(self, component: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop a component of the stack or the database, the former in order or by SIGKILL."""
        if WITHOUT:
            return
        self._stopped.add(component)
        if component == DATABASE:
            self.database.stop("immediate")
        else:
            self.stack.processes[component].stop(how)

    def start(self, component: str) -> None:
        """Start what was stopped, and wait until it serves."""
        if component not in self._stopped:
            return
        if component == DATABASE:
            self.database.start()
        else:
            self.stack.restart(component)
        self._stopped.remove(component)

    def start_otherwise(self, component: str, command: Sequence[str]) -> None:
        """Start a stopped component by another command, until the scenario ends."""
        if component in self._stopped:
            process = self.stack.processes[component]
            self._commands[component], process.command = process.command, command
            self.start(component)

    def mend(self) -> None:
        """End whatever a scenario left broken."""
        chaos.inject(self.stack.site.fault, "off", 1)
        for component, command in self._commands.items():
            self.stop(component)
            self.stack.processes[component].command = command
        self._commands.clear()
        for component in sorted(self._stopped):
            self.start(component)


def is_up(url: str) -> bool:
    """Tell whether anything answers there."""
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


def stays_down(url: str, seconds: float) -> bool:
    """Tell whether nothing answers there, now and for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_up(url):
            return False
        time.sleep(0.1)
    return not is_up(url)

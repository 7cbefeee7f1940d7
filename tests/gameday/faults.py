"""Faults on purpose; with GAMEDAY_WITHOUT_FAULT=1 none, and every scenario must fail."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx
from stack import chaos
from stack.stack import Stack

from tests import postgres

WITHOUT: Final = os.environ.get("GAMEDAY_WITHOUT_FAULT") == "1"


@dataclass(frozen=True)
class Faults:
    """What a game day breaks, and mends again."""

    stack: Stack
    database: postgres.Server

    def service(self, fault: str) -> None:
        """Make every request to /ports fail in a way that `make chaos` knows, or none (off)."""
        if not WITHOUT:
            chaos.inject(self.stack.site.fault, fault, 1)

    def stop(self, component: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop a component, in order or by SIGKILL."""
        if not WITHOUT:
            self.stack.processes[component].stop(how)

    def start(self, component: str) -> None:
        """Start a stopped component again."""
        if not WITHOUT:
            self.stack.restart(component)

    def stop_database(self) -> None:
        """Stop PostgreSQL."""
        if not WITHOUT:
            self.database.stop()

    def start_database(self) -> None:
        """Start PostgreSQL again."""
        if not WITHOUT:
            self.database.start()

    def inject(self, fault: Callable[[], None]) -> None:
        """Do what only one scenario does."""
        if not WITHOUT:
            fault()


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

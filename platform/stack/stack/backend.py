"""A backend: a process whose program comes from the first of several ways that works."""

import math
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stack.errors import StackError
from stack.process import Process
from stack.terminal import say


def _nothing() -> None:
    """Clean nothing up."""


class Launch(NamedTuple):
    """How a backend starts.

    Attributes:
        way: Where its program comes from, in a word.
        command: Program and arguments.
        env: Its variables.
        clean: Removes what the command can leave behind.
    """

    way: str
    command: list[str]
    env: Mapping[str, str]
    clean: Callable[[], None] = _nothing


# Returns None where nothing offers the program that way; raises StackError where that way fails.
Way = Callable[["Backend"], Launch | None]


@dataclass(kw_only=True)
class Backend(Process):
    """A component that can come from an image, from the PATH or from a build.

    Attributes:
        program: Name of the program in tools/bin.
        arguments: Arguments of the program, and of the image's entry point.
        data: The stack's folder.
        ports: Ports that it listens at.
        published: Makes it as a container sees it that reaches this machine by another name.
        ways: The ways that are left to try.
        binary_arguments: Arguments that the program takes before those outside its image.
        way: The way that it takes, in a word.
    """

    program: str
    arguments: Sequence[str]
    data: Path
    ports: Sequence[int]
    published: "Callable[[], Backend]"
    ways: list[Way]
    binary_arguments: Sequence[str] = ()
    way: str = ""
    _clean: Callable[[], None] = _nothing

    def __post_init__(self) -> None:
        """Keep the variables that a program outside a container gets."""
        self._outside = self.env

    def prepare(self) -> None:
        """Choose the first way that works.

        Raises:
            StackError: If none works.
        """
        if not self.way:
            self._take_next_way()

    def start(self) -> None:
        """Start it by its way."""
        self.prepare()
        super().start()

    def check(self, ready_within: float = math.inf) -> None:
        """Start it by the next way if it ended or is late, and was never ready.

        Raises:
            StackError: If no way is left, or if it ended after it was ready.
        """
        try:
            super().check(ready_within)
        except StackError as error:
            if self.ready_seconds is not None or not self.ways:
                raise
            self.stop()
            self._take_next_way(error)
            super().start()

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and clean up what its way leaves behind."""
        super().stop(first)
        self._clean()

    def _take_next_way(self, failure: StackError | None = None) -> None:
        last = failure
        while self.ways:
            if failure is not None:
                say(f"{_one_line(failure)}; trying the next way")
                failure = None
            self.env = self._outside
            try:
                launch = self.ways.pop(0)(self)
            except StackError as error:
                failure = last = error
                continue
            if launch is not None:
                self.way, self.command, self.env, self._clean = launch
                return
        raise last or StackError(f"{self.name}: no image and no program on the PATH")


def _one_line(failure: StackError) -> str:
    """The first line of a failure, and the last one of the log that it shows."""
    first, *log = str(failure).splitlines()
    return f"{first} {log[-1].strip()}" if log else first

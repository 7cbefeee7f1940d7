"""Progress for people: one line for each step, with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo.errors import DemoError


def say(line: str, end: str = "\n") -> None:
    """Print a line at once."""
    print(line, end=end, flush=True)


@dataclass
class Step:
    """The outcome of a step.

    Attributes:
        is_changed: Whether anything is different from before.
        note: What came out of it, in a few words.
    """

    is_changed: bool = False
    note: str = ""


@dataclass
class Steps:
    """The steps of a run, in their order."""

    done: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, remedy: str) -> Iterator[Step]:
        """Time a step, and print its line at the end.

        Args:
            name: What it does.
            remedy: What a person does if it fails.

        Raises:
            DemoError: The step failed; the message ends with the remedy.
        """
        if sys.stdout.isatty():
            say(f"  …          running    {name}", end="\r")
        began, step = time.monotonic(), Step()
        try:
            yield step
        except DemoError as error:
            say(f"  {time.monotonic() - began:6.1f} s   failed     {name}")
            raise DemoError(f"{name}: {error}\n  What to do: {remedy}") from error
        word = "changed" if step.is_changed else "unchanged"
        note = f": {step.note}" if step.note else ""
        say(f"  {time.monotonic() - began:6.1f} s   {word:<9}  {name}{note}")
        self.done.append(step)

    @property
    def is_changed(self) -> bool:
        """Whether any step changed anything."""
        return any(step.is_changed for step in self.done)

"""Commands as a person types them at the repository's root, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.service import ROOT, environment


def fresh_environment() -> dict[str, str]:
    """Return the environment of a new terminal: nothing of the make that these tests run under."""
    given = environment()
    return {name: text for name, text in given.items() if not name.startswith(("MAKE", "MFLAGS"))}


def python_program(code: str) -> str:
    """Return the code as the text of a program, for this Python, whatever blanks its path has."""
    return f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n'''\n{code}"


def attempt(
    command: str,
    *,
    folder: Path = ROOT,
    seconds: float = 100,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a command to its end, and return its exit code and all that it printed."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=fresh_environment() | dict(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout


def run(
    command: str,
    *,
    folder: Path = ROOT,
    seconds: float = 100,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command that must succeed, and return all that it printed."""
    code, printed = attempt(command, folder=folder, seconds=seconds, env=env)
    assert code == 0, f"{command} exited with {code}:\n{printed[-8000:]}"
    return printed


@dataclass
class Running:
    """A command that goes on until someone stops it."""

    command: str
    process: subprocess.Popen[bytes]
    log: Path

    def printed(self) -> str:
        """Return all that it printed so far."""
        return self.log.read_text()

    def wait_until_printed(self, words: str, seconds: float = 100) -> None:
        """Return once it printed these words; fail when it ends before."""
        deadline = time.monotonic() + seconds
        while words not in self.printed():
            code = self.process.poll()
            assert code is None, f"{self.command} exited with {code}:\n{self.printed()[-8000:]}"
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.printed()[-8000:]}"
            time.sleep(0.05)

    def processes(self) -> set[int]:
        """Return the ids of its process and of all those that came from it."""
        return _family(self.process.pid)

    def interrupt(self) -> None:
        """Press Ctrl-C: whatever is in the foreground gets the signal. Return once it ended."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)


def _family(pid: int) -> set[int]:
    return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}


@contextmanager
def running(command: str, log: Path, *, folder: Path = ROOT) -> Iterator[Running]:
    """Start a command, and press Ctrl-C at the end if it still runs then."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=fresh_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Running(command, process, log)
    try:
        yield started
    finally:
        if process.poll() is None:
            started.interrupt()

"""A container engine, docker or podman: which one answers, and how it runs a component's image."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from stack.addresses import HOST

ENGINES: Final = ("docker", "podman")
# A client without its server can wait for an answer without end.
ANSWER_SECONDS: Final = 10.0
LABEL: Final = "ports-platform.stack"
_ROOTLESS: Final = re.compile(r"^\s*(rootless: true|rootless)$", re.MULTILINE)
_DESKTOP: Final = re.compile(r"^\s*Operating System: Docker Desktop", re.MULTILINE)


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        program: Path of its client.
        user: `--user` whose files belong to the user of this process outside the container.
        virtual: Whether containers run in a virtual machine, with a network of its own.
    """

    program: str
    user: str
    virtual: bool = False

    @classmethod
    def find(cls) -> Self | None:
        """The first engine that answers. A client whose server does not answer does not count."""
        for name in ENGINES:
            program = shutil.which(name)
            if program and (told := _ask(program, "info")) is not None:
                # A rootless engine maps root in the container to the user who runs the engine.
                rootless = _ROOTLESS.search(told)
                user = "0:0" if rootless else f"{os.getuid()}:{os.getgid()}"
                virtual = sys.platform != "linux" or _DESKTOP.search(told) is not None
                return cls(program, user, virtual)
        return None

    def has(self, image: str) -> bool:
        """Whether the image is here already."""
        return _ask(self.program, "image", "inspect", image) is not None

    def pull(self, image: str) -> bool:
        """Pull an image, and return whether that worked. The engine prints its progress."""
        return subprocess.run([self.program, "pull", image], check=False).returncode == 0  # noqa: S603

    def run(
        self,
        name: str,
        image: str,
        arguments: Sequence[str],
        *,
        data: Path,
        read: Iterable[Path],
        env: Iterable[str],
        ports: Iterable[int],
    ) -> list[str]:
        """Command that runs an image in the foreground, so that signals to the client reach it.

        Args:
            name: The container's name.
            image: What it runs.
            arguments: Of the image's entry point.
            data: The stack's folder, writable at the path that it has outside.
            read: Further folders, read-only at the paths that they have outside.
            env: Names of the variables that the container takes over from the client.
            ports: Ports that it listens at.
        """
        network = ["--network=host"]
        if self.virtual:
            network = [f"--publish={HOST}:{port}:{port}" for port in ports]
        return [
            self.program, "run", "--rm", f"--name={name}", f"--label={LABEL}={data}",
            f"--user={self.user}",
            *network,
            "--security-opt=label=disable",  # SELinux keeps containers out of home directories
            f"--volume={data}:{data}",
            *(f"--volume={folder}:{folder}:ro" for folder in read),
            *(f"--env={variable}" for variable in env),
            image,
            *arguments,
        ]  # fmt: skip

    def remove(self, *names: str) -> None:
        """Stop and remove containers, whether they exist or not."""
        _ask(self.program, "rm", "--force", "--volumes", *names)

    def remove_leftovers(self, data: Path) -> list[str]:
        """Remove the containers of killed stacks in this folder, and return their names."""
        label = f"label={LABEL}={data}"
        found = _ask(self.program, "ps", "--all", f"--filter={label}", "--format={{.Names}}") or ""
        names = [name for name in found.split() if is_leftover(name)]
        if names:
            self.remove(*names)
        return names


def container_name(component: str) -> str:
    """Name of a component's container; it ends with the id of the process that owns it."""
    return f"ports-platform-{component}-{os.getpid()}"


def is_leftover(name: str) -> bool:
    """Whether the process that owns a container has ended."""
    try:
        os.kill(int(name.rpartition("-")[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _ask(*command: str) -> str | None:
    """The output of a command; None if it fails or does not answer."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command lines
            command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return done.stdout if done.returncode == 0 else None

"""The ways to a backend's program: its official image, the PATH, the pinned Go tool."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

from stack.backend import Backend, Launch, Way
from stack.engine import Engine, container_name
from stack.errors import StackError
from stack.images import image
from stack.terminal import say
from stack.values import GENERATED, ROOT

BIN: Final = ROOT / "tools" / "bin"
# A plain `otelcol` on the PATH is the core distribution, which lacks components that ours has.
_ON_PATH: Final = {"otelcol": "otelcol-contrib"}


def tool(name: str) -> str:
    """Path of a built tool.

    Raises:
        StackError: If it was not built.
    """
    path = BIN / name
    if not path.exists():
        raise StackError(f"{name} is missing: run `make tools TOOLS={name}`")
    return str(path)


def built(backend: Backend) -> Launch:
    """The pinned tool, as `make tools` left it.

    Raises:
        StackError: If it was not built.
    """
    return Launch("built", [tool(backend.program), *backend.arguments], backend.env)


def building(backend: Backend) -> Launch:
    """The pinned tool, built now unless the cache has it.

    A build takes long. A program that started another way and failed likely fails again, so then
    there is no build.

    Raises:
        StackError: If the build fails, or would follow a failed start.
    """
    if backend.way and not (BIN / backend.program).exists():
        raise StackError(
            f"{backend.name}: failed from the {backend.way}; see {backend.log}. To try the pinned "
            f"build: make tools TOOLS={backend.program}"
        )
    build = [sys.executable, str(ROOT / "tools" / "build.py"), backend.program]
    if subprocess.run(build, check=False).returncode != 0:  # noqa: S603 - our own command line
        raise StackError(
            f"{backend.name}: every way failed (image, {_on_path(backend)} on the PATH, build); "
            "see the lines above"
        )
    return built(backend)


def on_path(backend: Backend) -> Launch | None:
    """The program on the PATH."""
    if (program := shutil.which(_on_path(backend))) is None:
        return None
    command = [program, *backend.binary_arguments, *backend.arguments]
    return Launch("PATH", command, backend.env)


def by_image(engine: Engine, backend: Backend) -> Launch:
    """The official image, pulled if the engine lacks it.

    Raises:
        StackError: If the engine cannot pull it.
    """
    wanted, name = image(backend.name), container_name(backend.name)
    if not engine.has(wanted):
        say(f"{backend.name}: pulling {wanted}")
        if not engine.pull(wanted):
            raise StackError(f"{backend.name}: {Path(engine.program).name} cannot pull {wanted}")
    # In a virtual machine it listens everywhere, and reaches this machine by another name.
    inside = backend.published() if engine.virtual else backend
    command = engine.run(
        name,
        wanted,
        inside.arguments,
        data=inside.data,
        read=[GENERATED],
        env=inside.env,
        ports=inside.ports,
    )
    return Launch("image", command, inside.env, partial(engine.remove, name))


def images_first(engine: Engine | None) -> tuple[Way, ...]:
    """An image where an engine answers, else the PATH, else a build."""
    others = (on_path, building)
    return (partial(by_image, engine), *others) if engine else others


def _on_path(backend: Backend) -> str:
    return _ON_PATH.get(backend.program, backend.program)

"""Build the Go tools that this repository pins, each once for every state of its folder.

`tools/<tool>/go.mod` names the tool's module and version, and its commands by `tool` directives.
Where the folder has a `manifest.yaml` as well, the command is the OpenTelemetry Collector builder
and the manifest says what it builds. A file `ldflags` has more flags of the linker. There,
`$version`, `$major` and `$minor` stand for the version in go.mod, and `$kubernetes_minor` for the
minor version of Kubernetes whose client go.mod has. A file `tags` has the build tags that a program
needs. Binaries go to a cache outside the checkout, keyed by the hash of the folder, so that clones
and branches share them; `tools/bin/` gets links to them.

Usage: build.py [--versions] [TOOL ...] — folders or single commands (`prometheus`, `promtool`); all
if none. With --versions it builds nothing and prints a command and its version a line.
Standard library only: it runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ports-platform" / "tools"
)
MANIFEST = "manifest.yaml"
LDFLAGS = "ldflags"
TAGS = "tags"
# Its version v0.X.Y belongs to Kubernetes v1.X.Y.
KUBERNETES_CLIENT = "k8s.io/client-go"


def folders() -> dict[str, Path]:
    """All pinned tools: folder by name. A go.mod without `tool` pins modules that are only read."""
    pinned = sorted(HERE.glob("*/go.mod"))
    return {p.parent.name: p.parent for p in pinned if "\ntool " in p.read_text()}


def commands(folder: Path) -> list[str]:
    """Names of the binaries that a folder's build yields.

    A program whose package is called `cmd`, or by its major version, has its folder's name.
    """
    if (folder / MANIFEST).exists():
        return [folder.name]
    names = [tool["Path"].rsplit("/", 1)[-1] for tool in _module(folder)["Tool"]]
    return [folder.name if re.fullmatch(r"cmd|v\d+", name) else name for name in names]


def version(folder: Path) -> str:
    """Version of the module that a folder pins, as go.mod has it: `v1.2.3`; `v0.0.0` of our own."""
    module = _module(folder)
    program = module["Tool"][0]["Path"] + "/"
    owners = [each for each in module["Require"] if program.startswith(each["Path"] + "/")]
    return str(max(owners, key=lambda each: len(each["Path"]))["Version"]) if owners else "v0.0.0"


def linker_flags(folder: Path) -> str:
    """Linker flags of a folder's commands: small binaries, and what its `ldflags` file adds."""
    flags = ["-s -w"]
    if (file := folder / LDFLAGS).exists():
        pinned = version(folder)
        major, minor, *_ = pinned.removeprefix("v").split(".")
        known = {"version": pinned, "major": major, "minor": minor}
        for each in _module(folder)["Require"]:
            if each["Path"] == KUBERNETES_CLIENT:
                known["kubernetes_minor"] = each["Version"].split(".")[1]
        flags += Template(file.read_text()).substitute(known).split()
    return " ".join(flags)


def cached(folder: Path) -> Path:
    """The cache directory of a folder's present state."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return CACHE / f"{folder.name}-{digest.hexdigest()[:16]}"


def build(folder: Path, target: Path) -> None:
    """Build a folder's commands into `target`, which appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{folder.name}-") as scratch:
        out = Path(scratch, "out")
        out.mkdir()
        if (folder / MANIFEST).exists():
            _go("build", "-o", f"{scratch}/", "tool", cwd=folder)
            shutil.copy(folder / MANIFEST, scratch)
            _run("./builder", "--config", MANIFEST, cwd=Path(scratch))
            shutil.copy(Path(scratch, "distribution", folder.name), out)
        else:
            flags = [f"-ldflags={linker_flags(folder)}"]
            if (file := folder / TAGS).exists():
                flags.append(f"-tags={file.read_text().strip()}")
            _go("build", *flags, "-o", f"{out}/", "tool", cwd=folder)
            if (unnamed := out / "cmd").exists():
                unnamed.rename(out / folder.name)
        out.rename(target)


def ensure(name: str, folder: Path) -> None:
    """Build a tool unless the cache has it, link its commands, and print one line about it."""
    target = cached(folder)
    CACHE.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with _lock(CACHE / f".{target.name}.lock"):
        if done := not target.exists():
            print(f"{name:<14} building …", end="\r" if sys.stdout.isatty() else "\n", flush=True)
            build(folder, target)
    links = HERE / "bin"
    links.mkdir(exist_ok=True)
    for binary in target.iterdir():
        fresh = links / f".{binary.name}.{os.getpid()}"
        fresh.symlink_to(binary)
        fresh.replace(links / binary.name)
    state = f"built in {time.monotonic() - start:.0f} s" if done else "cached"
    print(f"{name:<14} {state}: {' '.join(sorted(b.name for b in target.iterdir()))}", flush=True)


def main(wanted: list[str]) -> int:
    """Ensure the wanted tools; the exit code says whether all were there in the end."""
    only_tell = "--versions" in wanted
    wanted = [name for name in wanted if name != "--versions"]
    if shutil.which("go") is None:
        print("make tools needs Go 1.26 or later on the PATH: https://go.dev/dl/", file=sys.stderr)
        return 1
    known = folders()
    owner = {name: name for name in known}
    owner |= {command: name for name, path in known.items() for command in commands(path)}
    if unknown := [name for name in wanted if name not in owner]:
        print(f"no such tool: {' '.join(unknown)}; known: {' '.join(owner)}", file=sys.stderr)
        return 2
    for name in dict.fromkeys(owner[tool] for tool in wanted or known):
        if only_tell:
            for command in commands(known[name]):
                print(command, version(known[name]))
            continue
        try:
            ensure(name, known[name])
        except subprocess.CalledProcessError as error:
            print(f"{name:<14} failed: {error}\n{error.stderr[-4000:]}", file=sys.stderr)
            return 1
    return 0


def _module(folder: Path) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(_go("mod", "edit", "-json", cwd=folder))
    return described


def _go(*arguments: str, cwd: Path) -> str:
    return _run("go", *arguments, cwd=cwd)


def _run(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

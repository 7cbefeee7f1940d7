"""podman on a machine that has no registry and no network of its own for containers.

The base image is Debian made by mmdebstrap, of the size of python:3.11-slim and in its place; pip,
which that image would bring, is mounted for the build alone.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.documentation import documented

ROOT = Path(__file__).parents[3]
PROGRAMS = ("podman", "buildah", "runc", "mmdebstrap")
# crun fails under hybrid cgroups, and the usual limits are above what a sandbox may grant.
PODMAN = ("podman", "--runtime", "runc")
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "host")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ports-platform")
_HOST_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
_BASE = (
    "mmdebstrap",
    "--variant=minbase",
    "--include=usr-is-merged,python3",
    # Debian's slim images leave these files out too.
    *(
        f"--dpkgopt=path-exclude=/usr/share/{folder}/*"
        for folder in ("doc", "man", "locale", "info")
    ),
    '--customize-hook=chroot "$1" apt-get -qq -y purge usrmerge perl "libperl*" "perl-modules*"',
    '--customize-hook=rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
    "bookworm",
)


def missing() -> list[str]:
    """Programs that are not installed here."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def base_image() -> str:
    """Return the base image, made at first use and then kept in the user's cache."""
    digest = sha256("\0".join(_BASE).encode()).hexdigest()[:16]
    name = f"localhost/ports-platform-base:{digest}"
    if podman("image", "exists", name, check=False).returncode == 0:
        return name
    archive = CACHE / f"base-{digest}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            fresh = Path(scratch, "base.tar")
            run(*_BASE, str(fresh))
            fresh.rename(archive)
    podman("import", "--quiet", str(archive), name)
    return name


def build_image() -> str:
    """Return the base image with what this machine's pip is and needs."""
    base = base_image()
    name = f"{base}-pip"
    site = Path(sysconfig.get_path("purelib"))
    with tempfile.TemporaryDirectory() as context:
        shutil.copytree(site / "pip", Path(context, "root/usr/lib/python3/dist-packages/pip"))
        for file in _HOST_FILES:
            if Path(file).exists():
                Path(context, f"root{file}").parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, f"{context}/root{file}")
        Path(context, "Dockerfile").write_text(f"FROM {base}\nCOPY root /\n")
        podman("build", "--quiet", "--tag", name, context)
    return name


def build(tag: str, *, target: str = "runtime", flags: str = "", folder: Path = ROOT) -> str:
    """Run the README's `make build` in a checkout and return the image's name."""
    bases = f"--build-arg BASE_IMAGE={base_image()} --build-arg BUILD_IMAGE={build_image()}"
    run(
        *documented("README.md", "make build").split(),
        f"ENGINE={' '.join(PODMAN)}",
        f"TARGET={target}",
        f"TAG={tag}",
        f"BUILD_FLAGS=--quiet {' '.join(LIMITS)} {bases} {flags}",
        cwd=folder,
    )
    adopted = (folder / "platform/adopt.yaml").read_text()
    registry = adopted.split("registry:", 1)[1].split("\n", 1)[0].strip()
    return f"{registry}/ports:{tag}"


@contextlib.contextmanager
def container(image: str, *flags: str) -> Iterator[str]:
    """Run an image in the background, yield its container's id, and remove it."""
    name = podman("run", "--detach", *LIMITS, *flags, image).stdout.strip()
    try:
        yield name
    finally:
        podman("rm", "--force", "--time", "0", name, check=False)


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return what podman knows of an image or a container."""
    found: list[dict[str, Any]] = json.loads(podman(kind, "inspect", name).stdout)
    return found[0]


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run podman with the runtime that works here."""
    return run(*PODMAN, *arguments, check=check)


def run(
    *command: str, check: bool = True, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command.

    Raises:
        RuntimeError: It failed; with what it wrote.
    """
    # Below `make image-test`, a second make takes no flags of the first.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if check and done.returncode:
        output = (done.stdout + done.stderr)[-4000:]
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}):\n{output}")
    return done

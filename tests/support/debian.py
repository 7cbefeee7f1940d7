"""A Debian system in a folder: what a command finds where nothing else is installed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from tests.cluster.programs import run

# Authorities that this machine trusts beside Debian's: where a proxy signs, all depends on it.
AUTHORITIES: Final = Path("/usr/local/share/ca-certificates")
BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"


@contextmanager
def debian(root: Path, *packages: str) -> Iterator[Path]:
    """Make the root of a Debian system with these packages alone; remove it at the end."""
    assert os.geteuid() == 0, "only root can make and enter a root file system"
    include = f"--include={','.join(packages)}"
    run("mmdebstrap", "--quiet", "--variant=minbase", include, "bookworm", str(root))
    shutil.copytree(AUTHORITIES, root / AUTHORITIES.relative_to("/"), dirs_exist_ok=True)
    # As a container has them.
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, root)
        for kind, place in (("proc", root / "proc"), ("tmpfs", root / "dev/shm")):
            place.mkdir(exist_ok=True)
            run("mount", "-t", kind, kind, str(place))
            undo.callback(run, "umount", str(place))
        yield root


def add_user(root: Path, name: str) -> None:
    """Add a user with a home, and have the system trust the authorities of this machine."""
    enter = ("chroot", str(root))
    run(*enter, "update-ca-certificates")
    run(*enter, "useradd", "--create-home", "--shell", "/bin/bash", name)


def terminal(root: Path, user: str, command: str) -> list[str]:
    """Return the command line that types a command in a new login shell of a user in there.

    Of this machine's environment, only what leads to package indexes goes along.
    """
    given = {"SSL_CERT_FILE": BUNDLE, "PIP_CERT": BUNDLE, "HOME": f"/home/{user}", "USER": user}
    given |= {
        name: text
        for name, text in os.environ.items()
        if name == "PIP_INDEX_URL" or name.lower().endswith("_proxy")
    }
    variables = [f"{name}={text}" for name, text in given.items()]
    inside = ["env", "--ignore-environment", *variables, "bash", "--login", "-c", command]
    return ["chroot", f"--userspec={user}:", str(root), *inside]


def pip_configuration(root: Path) -> None:
    """Copy the system's pip configuration, which may name an index that can be reached."""
    if (system := Path("/etc/pip.conf")).exists():
        shutil.copy(system, root / "etc")


def leftovers(root: Path) -> list[str]:
    """Return the command line of each process that runs in there."""
    found = []
    for process in psutil.process_iter():
        # A process that has ended, or that even root may not look at, is none of ours.
        with contextlib.suppress(OSError, psutil.Error):
            if Path(f"/proc/{process.pid}/root").samefile(root):
                found.append(" ".join(process.cmdline()))
    return found

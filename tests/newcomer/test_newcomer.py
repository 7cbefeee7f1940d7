"""The README's two commands, typed in a clean Debian that has only what the README names.

The folder has a blank in its name, the user is not root, and no cache is warm, so nothing hides a
program or package that is missing.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.cluster.programs import run
from tests.documentation import documented
from tests.e2e.backends import eventually
from tests.service import ROOT
from tests.support import debian

USER: Final = "newcomer"
FOLDER: Final = "ports platform"
PORT: Final = "http://localhost:8080/ports/AEAJM"
# Of the README's "Start"; the authorities are for machines whose proxy signs, and bring openssl.
PACKAGES: Final = ("git", "make", "python3", "python3-venv", "ca-certificates")
RUN_SECONDS: Final = 300
TEST_SECONDS: Final = 1500


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a Debian system with a clone in the user's home."""
    folder = tmp_path_factory.mktemp("newcomer")
    folder.chmod(0o755)
    with debian.debian(folder / "root", *PACKAGES) as root:
        debian.add_user(root, USER)
        debian.pip_configuration(root)
        run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(root / "src"))
        home = root / "home" / USER
        (root / "src").rename(home / FOLDER)
        run("chroot", str(root), "chown", "--recursive", f"{USER}:", f"/home/{USER}")
        yield root


def typed(root: Path, command: str, log: Path) -> subprocess.Popen[bytes]:
    """Type a command at the clone's root."""
    words = debian.terminal(root, USER, f"cd ~/'{FOLDER}' && exec {command}")
    with log.open("wb") as output:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def test_the_system_has_only_what_the_readme_names(machine: Path) -> None:
    start = (ROOT / "README.md").read_text().split("## Start")[1].split("```")[0]
    for name in ("Python 3.11", "git", "GNU make", "python3-venv"):
        assert name in start
    for program in ("go", "node", "curl", "gcc", "initdb", "docker", "podman"):
        absent = ["chroot", str(machine), "sh", "-c", f"command -v {program}"]
        assert subprocess.run(absent, check=False, capture_output=True).returncode == 127, program


def serve(machine: Path, command: str, log: Path) -> str:
    """Type a command that serves, ask it, stop it by Ctrl-C, and return what it printed."""
    with socket.socket() as other:
        taken = other.connect_ex(("127.0.0.1", 8080)) == 0
    assert not taken, "another process listens on port 8080, and would answer instead"
    start = time.monotonic()
    process = typed(machine, command, log)
    try:

        def name() -> str:
            if process.poll() is not None:
                pytest.fail(log.read_text()[-6000:])
            return str(httpx.get(PORT).json()["name"])

        assert eventually(name, RUN_SECONDS) == "Ajman"
        print(f"\n  {command} answers after {time.monotonic() - start:.0f} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert eventually(lambda: debian.leftovers(machine) == [], 10)
    return log.read_text()


def test_make_run_serves(machine: Path, tmp_path: Path) -> None:
    serve(machine, documented("README.md", "make run"), tmp_path / "run.log")


def test_make_run_serves_from_a_database_that_keeps_its_data(machine: Path, tmp_path: Path) -> None:
    command = documented("README.md", "make run STORE=postgresql")
    assert "created 1634" in serve(machine, command, tmp_path / "first.log")
    assert "created 1634" not in serve(machine, command, tmp_path / "second.log")


def test_make_test_passes_and_skips_nothing(machine: Path, tmp_path: Path) -> None:
    log = tmp_path / "test.log"
    start = time.monotonic()
    process = typed(machine, documented("README.md", "make test"), log)
    try:
        code = process.wait(TEST_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    said = log.read_text()
    print(
        f"\n  make test: {said.rstrip().rsplit(chr(10), 1)[-1]} ({time.monotonic() - start:.0f} s)"
    )
    assert code == 0, said[-12000:]
    (summary,) = re.findall(r"^=+ (.*) =+$|^(\d+ passed.*)$", said, re.MULTILINE)[-1:]
    words = "".join(summary)
    assert " passed" in words
    assert "skipped" not in words
    assert "failed" not in words

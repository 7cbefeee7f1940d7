"""`tools/install`, with stand-ins for Python and uv that write down what they are asked."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service import ROOT

OLD = "case $1 in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac"
WITHOUT_VENV = "case $2 in *ensurepip*) exit 1 ;; esac"
WHOLE = "exit 0"


@dataclass
class Checkout:
    """A folder with the script, locks, and a Python of the test's."""

    root: Path

    def program(self, name: str, script: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def install(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "tools/install", *arguments],
            env={"PATH": "/usr/bin:/bin", "PYTHON": f"{self.root}/python", **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self) -> list[str]:
        return (self.root / "asked").read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout whose path has a blank, and whose .venv has uv already."""
    made = Checkout(tmp_path / "check out")
    (made.root / "requirements").mkdir(parents=True)
    (made.root / "requirements/uv.txt").touch()
    (made.root / "tools").mkdir()
    shutil.copy(ROOT / "tools/install", made.root / "tools")
    made.program("python", WHOLE)
    made.program(".venv/bin/python", "[ $1 = -c ]")  # pip has no configuration
    made.program(".venv/bin/uv", 'echo "$@ $UV_DEFAULT_INDEX $SSL_CERT_FILE" >> asked')
    return made


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (OLD, "Python 3.9.2 is too old: use Python 3.11 or later (make PYTHON=python3.12 ...)"),
        (WITHOUT_VENV, "has no module venv: install it (Debian: apt-get install python3-venv)"),
    ],
)
def test_unsuitable_python_fails_with_one_line(
    checkout: Checkout, script: str, message: str
) -> None:
    checkout.program("python", script)
    done = checkout.install("add", ".venv", "requirements/runtime.txt")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.endswith(message)) == (1, True), line


def test_a_missing_python_is_one_line(checkout: Checkout) -> None:
    done = checkout.install("add", ".venv", "requirements/runtime.txt", PYTHON="python9")
    assert done.returncode == 1
    assert done.stderr.startswith("python9 is missing: install Python 3.11 or later")
    assert len(done.stderr.splitlines()) == 1


def test_locks_are_added_and_packages_are_used_where_they_lie(checkout: Checkout) -> None:
    done = checkout.install("add", ".venv", "a.txt", "b.txt", "services/ports")
    assert done.returncode == 0, done.stderr
    python = "--python .venv/bin/python"
    assert [line.rstrip() for line in checkout.asked()] == [
        f"pip install --no-deps --require-hashes -r a.txt {python}",
        f"pip install --no-deps --require-hashes -r b.txt {python}",
        f"pip install --no-deps --no-build-isolation -e ./services/ports {python}",
        f"pip check {python}",
    ]


def test_a_synchronised_environment_keeps_uv(checkout: Checkout) -> None:
    assert checkout.install("sync", ".venv", "dev.txt").returncode == 0
    (line,) = checkout.asked()
    assert line.startswith("pip sync --require-hashes requirements/uv.txt dev.txt --python")


def test_another_environment_is_made_first(checkout: Checkout) -> None:
    assert checkout.install("sync", ".venv-docs", "docs.txt").returncode == 0
    made, synchronised = checkout.asked()
    assert made.startswith(f"venv --quiet --python {checkout.root}/python .venv-docs")
    assert synchronised.startswith("pip sync --require-hashes docs.txt --python .venv-docs/bin")


def test_the_index_and_the_certificate_of_pip_are_handed_to_uv(checkout: Checkout) -> None:
    given = {"PIP_INDEX_URL": "https://index.example/simple", "PIP_CERT": "/etc/authority.pem"}
    assert checkout.install("add", ".venv", "a.txt", **given).returncode == 0
    assert checkout.asked()[0].endswith(" https://index.example/simple /etc/authority.pem")
    checkout.program(".venv/bin/python", '[ $1 = -c ] || echo "/configured/$5"')
    assert checkout.install("add", ".venv", "a.txt").returncode == 0
    assert checkout.asked()[1].endswith(" /configured/global.index-url /configured/global.cert")

"""One script stands in for kubectl, kind, helm, crane, the engine and make.

`make e2e-demo` runs the real programs, kind and docker apart.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from demo.cluster import Place

from tests.terminal import python_program

PROGRAM = """
import json, pathlib, re, sys
folder = pathlib.Path(__file__).resolve().parent
words = " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])
said = sys.stdin.read() if "--filename=-" in words else ""
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([words, said]) + "\\n")
for pattern, output, code in json.loads((folder / "answers").read_text()):
    if re.search(pattern, words):
        (sys.stderr if code else sys.stdout).write(output)
        sys.exit(code)
sys.exit(f"{words}: no answer in this test")
"""
NAMES = ("kubectl", "kind", "helm", "crane", "engine", "make")


@dataclass
class Programs:
    """Programs on the PATH that give these answers."""

    folder: Path

    def answer(self, pattern: str, output: str = "", code: int = 0) -> None:
        """Answer calls whose words match; a later answer is tried first."""
        file = self.folder / "answers"
        file.write_text(json.dumps([(pattern, output, code), *json.loads(file.read_text())]))

    def answer_object(self, pattern: str, found: dict[str, Any] | list[Any]) -> None:
        """Answer a `kubectl get` with an object, or with a list."""
        if isinstance(found, list):
            found = {"kind": "List", "items": found}
        self.answer(pattern, json.dumps(found))

    def calls(self, name: str = "") -> list[str]:
        """Return the words of each call, or of those of a program."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [words for words, _ in map(json.loads, lines) if words.startswith(name)]

    def given(self) -> list[dict[str, Any]]:
        """Return the objects that `kubectl apply` got."""
        lines = (self.folder / "calls").read_text().splitlines()
        texts = [text for _, text in map(json.loads, lines) if text]
        return [each for text in texts for each in json.loads(text)["items"]]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "answers").write_text("[]")
    program = folder / "program"
    program.write_text(python_program(PROGRAM))
    program.chmod(0o755)
    for name in NAMES:
        (folder / name).symlink_to(program)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Programs(folder)


@pytest.fixture
def checkout(tmp_path: Path, programs: Programs) -> Path:
    """A repository with one commit, whose pinned programs are those of this test."""
    root = tmp_path / "checkout"
    for environment, text in {"dev": "replicas: 1\n", "staging": "", "prod": ""}.items():
        file = root / f"platform/argocd/environments/{environment}/shop.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    for name in ("packages", "requirements", "services/shop"):
        (root / name).mkdir(parents=True)
        (root / name / "pyproject.toml").write_text('[project]\nversion = "0.1.9"\n')
    git(root, "init", "--quiet", "--initial-branch=work")
    git(root, "config", "user.name", "Person")
    git(root, "config", "user.email", "person@example.com")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=Start")
    (root / "tools").mkdir()
    (root / "tools/bin").symlink_to(programs.folder)
    return root


@pytest.fixture
def place(checkout: Path) -> Place:
    return Place(checkout, checkout / ".demo")


@pytest.fixture
def remote(tmp_path: Path) -> str:
    """An empty git host."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote")
    return str(tmp_path / "remote")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    command = ["git", *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()

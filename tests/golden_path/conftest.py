import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import checkout
from tests.documentation import documented
from tests.service import ROOT

NAME = "port-calls"
PACKAGE = "port_calls"
ANSWERS = {
    "name": NAME,
    "description": "Calls of ships at ports",
    "owner": "group:default/maritime",
    "store": "postgresql",
    "calls": "ports",
}
PAGE = "docs/how-to/add-a-service.md"
BACKSTAGE = ROOT / "tests" / "platform" / "backstage"
BROWSER = ROOT / "tests" / "browser"
# Variables of this environment and its tests that the copy's programs must not see.
OWN = ("PYTEST_", "COV_", "COVERAGE_", "MAKE", "MFLAGS", "MYPYPATH", "DJANGO_", "PORT_CALLS_")


@dataclass
class Copy:
    """A copy of the repository as it is here, in git, with one commit."""

    root: Path

    def run(self, *command: str | Path, timeout: float = 600) -> str:
        """Run a command in the copy and return what it printed; a failure shows it."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout[-8000:]}"
        return done.stdout

    def python(self, *arguments: str, timeout: float = 600) -> str:
        """Run a program of the copy's environment."""
        program, *rest = arguments
        return self.run(self.root / ".venv" / "bin" / program, *rest, timeout=timeout)

    def status(self) -> dict[str, str]:
        """The changes that git sees, by path: `??` is a new file."""
        lines = self.run("git", "status", "--porcelain", "--untracked-files=all").splitlines()
        return {line[3:].strip('"'): line[:2] for line in lines}


def environment() -> dict[str, str]:
    """Return this process's environment without what is of this checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return clean | {"CI": "true"}


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The repository, without its history; Node's packages and built tools are shared."""
    copy = Copy(tmp_path_factory.mktemp("golden") / "platform")
    checkout.clone_to(copy.root)
    # .gitignore has `node_modules/`, which matches folders and no links.
    with (copy.root / ".git" / "info" / "exclude").open("a") as ignored:
        ignored.write("node_modules\n")
    for folder in (BACKSTAGE, BROWSER):
        (copy.root / folder.relative_to(ROOT) / "node_modules").symlink_to(folder / "node_modules")
        # As new as the copied lock at least: the copy must not install into the shared folder.
        (folder / "node_modules" / ".stamp").touch()
    return copy


@pytest.fixture(scope="session")
def scaffolded(copy: Copy) -> list[str]:
    """The files that Backstage's scaffolder made."""
    return copy.run("bash", "-c", documented(PAGE, "make new-service")).splitlines()


@pytest.fixture(scope="session")
def plain(copy: Copy) -> Path:
    """The folder of another service, without any option, which lies and is installed elsewhere."""
    root = copy.root.parent / "plain"
    answers = ("name=berths", "description=Berths of ports", "owner=group:default/maritime")
    copy.run("node", BACKSTAGE / "scaffold.mjs", copy.root, root, *answers)
    return root


@pytest.fixture(scope="session")
def generated(copy: Copy, scaffolded: list[str]) -> Copy:
    """The copy, with the new service installed and all generated that follows from it."""
    assert scaffolded
    copy.run("bash", "-c", documented(PAGE, "make generate"))
    return copy


@pytest.fixture(scope="session")
def component(generated: Copy) -> dict[str, dict[str, object]]:
    """The entities in the catalog of the copy."""
    found = json.loads(generated.run("node", BACKSTAGE / "list.mjs", generated.root))
    assert found["errors"] == []
    entities: dict[str, dict[str, object]] = found["entities"]
    return entities


@pytest.fixture(autouse=True)
def told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print each scenario with its time."""
    start = time.monotonic()
    yield
    print(f"\n{time.monotonic() - start:6.1f} s  {request.node.name}", flush=True)

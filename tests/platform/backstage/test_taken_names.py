"""The names that the form refuses come from their owners."""

import subprocess
import sys

import pytest

from tests.service import ROOT

PROGRAM = "platform/backstage/taken_names.py"
# A repository with two services and a locked package, as `taken_names.py` reads it.
FILES = {
    "catalog-info.yaml": "kind: Location\nspec: {targets: [./services/*/catalog-info.yaml]}\n",
    "services/ports/catalog-info.yaml": "kind: Component\nmetadata: {name: ports}\n",
    "services/pilots/catalog-info.yaml": "kind: API\nmetadata: {name: pilots}\n"
    "---\nkind: Group\nmetadata: {name: crew}\n",
    "services/pilots/pyproject.toml": '[project]\nname = "pilots"\n',
    "services/pilots/pilots_of_harbors/__init__.py": "",
    "requirements/dev.txt": "django-ninja==1.7 \\\n    --hash=sha256:0\nnot-installed==1\n",
    "tests/unit/gameday/test_it.py": "",
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("repository")
    for name in (PROGRAM, "platform/backstage/codeowners.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text((ROOT / name).read_text())
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    done = subprocess.run(
        [sys.executable, root / PROGRAM], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "pilots",  # a service that landed
        "pilots-of-harbors",  # the package of one
        "django-ninja",  # a locked distribution
        "ninja",  # its module
        "not-installed",
        "gameday",  # a folder of tests
        "async",
        "cgi",
        "yes",
        "metrics",  # METRICS_PORT
        "store",  # a caller's STORE_URL
    ],
)
def test_a_name_of_each_owner_is_listed_once(taken: str, name: str) -> None:
    assert taken.count(f'- "{name}"\n') == 1


@pytest.mark.parametrize("name", ["crew", "port-calls", "_thread", "django", "asyncio-events"])
def test_other_names_are_not_listed(taken: str, name: str) -> None:
    assert f'- "{name}"\n' not in taken


def test_the_committed_list_is_the_one_that_is_generated() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout == (ROOT / "platform/backstage/template/taken.yaml").read_text()

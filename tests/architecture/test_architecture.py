"""Imports, reads and names that are forbidden; each test fails on the code that it forbids."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import FOLDER, ROOT

SERVICE = FOLDER / "seaports"
LIBRARIES = ("packages/service", "packages/telemetry", "packages/telemetry-fast")
PACKAGES = ("services/ports", *LIBRARIES, "platform/slo")
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def environment_reads(source: str) -> Iterator[int]:
    """Yield the lines that read the environment, other than to name Django's settings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            names = {node.attr}
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            names = {alias.name for alias in node.names}
        else:
            continue
        if names & ENVIRONMENT:
            line = source.splitlines()[node.lineno - 1].strip()
            if line != 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seaports.settings")':
                yield node.lineno


def imports_of_tests(source: str) -> Iterator[str]:
    """Yield the test modules that a source imports from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (
            name for name in named if any(part.startswith("test_") for part in name.split("."))
        )


@pytest.mark.parametrize(
    "source",
    [
        "import tests.unit.slo.test_probes",
        "from tests.unit.slo.test_probes import declared",
        "from tests.unit.slo import test_probes as probes",
        "from .test_probes import declared",
        "from . import test_probes",
        "def test() -> None:\n    from tests.unit.slo import test_probes",
    ],
)
def test_an_import_from_a_test_module_is_recognized(source: str) -> None:
    assert list(imports_of_tests(source))


def test_nothing_imports_from_a_test_module() -> None:
    """Code that several tests need is beside them or in tests/support."""
    found = {
        str(file.relative_to(ROOT)): wrong
        for file in (ROOT / "tests").rglob("*.py")
        if "node_modules" not in file.parts
        and (wrong := list(imports_of_tests(file.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['X']",
        "import os\nos.getenv('X')",
        "from os import environ",
        "import os as o\no.environ.get('X')",
        "import os\nos.environ.setdefault('X', 'y')",
    ],
)
def test_reading_the_environment_is_recognised(source: str) -> None:
    assert list(environment_reads(source))


def test_only_settings_reads_the_environment() -> None:
    files = [*SERVICE.rglob("*.py"), FOLDER / "manage.py", FOLDER / "gunicorn.conf.py"]
    readers = {str(f.relative_to(FOLDER)) for f in files if any(environment_reads(f.read_text()))}
    assert readers == {"seaports/settings.py"}


def test_only_bootstrap_names_concrete_stores_and_feeds() -> None:
    named = {
        str(file.relative_to(SERVICE))
        for file in SERVICE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("seaports.adapters.store", "seaports.adapters.feed"))
        and file.parent.parts[-2:] not in {("adapters", "feed"), ("store", "postgres")}
    }
    assert named == {"bootstrap.py"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": ":".join(f"{folder}/{part}" for part in PACKAGES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# A file below services/ports, a module that it may not import, and the contract that forbids it.
AGAINST_THE_ARROWS = [
    ("seaports/domain/port.py", "django", "Domain and application know no framework"),
    ("seaports/domain/port.py", "telemetry", "Domain and application know no framework"),
    ("seaports/domain/port.py", "service", "Domain and application know no framework"),
    (
        "seaports/domain/port.py",
        "seaports.application.interfaces",
        "The hexagon's arrows point inwards",
    ),
    (
        "seaports/application/get_port.py",
        "seaports.adapters.document",
        "The hexagon's arrows point inwards",
    ),
    (
        "seaports/adapters/feed/reader.py",
        "seaports.adapters.store.memory",
        "No adapter imports another",
    ),
    (
        "seaports/adapters/store/cached.py",
        "seaports.adapters.store.memory",
        "No adapter imports another",
    ),
    (
        "../../packages/telemetry/telemetry/context.py",
        "service.problem",
        "How a service serves stands on its signals",
    ),
]


@pytest.fixture(scope="module")
def broken_contracts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The linter's answer about a copy that has all the forbidden imports."""
    root = tmp_path_factory.mktemp("imports")
    for part in PACKAGES:
        for source in (ROOT / part).rglob("*.py"):
            copy = root / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(source.read_text())
    (root / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for file, module, _ in AGAINST_THE_ARROWS:
        with (root / "services/ports" / file).open("a") as changed:
            changed.write(f"\nimport {module}\n")
    done = lint(root)
    assert done.returncode == 1, done.stdout
    return done.stdout.partition("Broken contracts")[2]


@pytest.mark.parametrize(("file", "module", "contract"), AGAINST_THE_ARROWS)
def test_an_import_against_the_arrows_is_found(
    broken_contracts: str, file: str, module: str, contract: str
) -> None:
    _, title, section = broken_contracts.partition(contract)
    assert title, broken_contracts
    section = re.split(r"\n\n\n(?=.*\n-+\n)", section)[0]
    importer = ".".join(Path(file).with_suffix("").parts[-2:])  # `domain.port`
    assert re.search(rf"\b{importer} -> {re.escape(module)} \(", section), section


def test_the_imports_as_they_are_follow_the_arrows() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_only_the_package_service_makes_problem_documents() -> None:
    """The server, each service and what the template makes answer alike."""
    makes = [
        str(file.relative_to(ROOT))
        for folder in ("packages", "services", "platform/backstage/template/skeleton/services")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if "application/problem+json" in file.read_text()
    ]
    assert makes == ["packages/service/service/problem.py"]

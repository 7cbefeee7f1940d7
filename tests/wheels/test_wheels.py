"""Each distribution's wheel, installed alone with what it declares, can be imported."""

import sys
import tomllib
from pathlib import Path

import pytest

from tests import checkout
from tests.service import ROOT
from tests.support.uv import run, uv

PROJECTS = sorted(
    file.parent.relative_to(ROOT).as_posix()
    for pattern in ("packages/*", "platform/*", "services/*")
    for file in ROOT.glob(f"{pattern}/pyproject.toml")
)
# Not imported: what starts a service, and what reads the charts of a checkout.
LEFT = {
    *("seaports.wsgi", "stack.__main__", "slo.__main__"),
    *(f"stack.{name}" for name in ("cluster", "grafana", "stack")),
}
IMPORT_ALL = """
import importlib, pkgutil, sys
left = sys.argv[1].split(",")
for name in sys.argv[2:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if module.name not in left:
            importlib.import_module(module.name)
"""
# Importing Ninja asks for settings; of a package any do.
SETTINGS = {
    "packages/service": "django.conf.global_settings",
    "services/ports": "seaports.settings",
}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, copy = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("copy")
    checkout.copy_to(copy)  # a build leaves folders beside the code
    for project in PROJECTS:
        uv("build", "--quiet", "--wheel", "--out-dir", folder, copy / project)
    assert len(list(folder.glob("*.whl"))) == len(PROJECTS)
    return folder


@pytest.mark.parametrize("project", PROJECTS)
def test_a_wheel_brings_all_that_it_imports(project: str, wheels: Path, tmp_path: Path) -> None:
    declared = tomllib.loads((ROOT / project / "pyproject.toml").read_text())
    name = declared["project"]["name"]
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    extras = ",".join(declared["project"].get("optional-dependencies", {}))
    wanted = f"{name}[{extras}]" if extras else name
    uv("pip", "install", "--quiet", "--python", python, "--find-links", wheels, wanted)
    packages = [file.parent.name for file in (ROOT / project).glob("*/__init__.py")]
    env = {"DJANGO_SETTINGS_MODULE": SETTINGS[project]} if project in SETTINGS else {}
    program = f"import django; django.setup()\n{IMPORT_ALL}" if env else IMPORT_ALL
    run(python, "-c", program, ",".join(LEFT), *packages, env=env)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_runtime_package_has_wheels_for_each_architecture(
    machine: str, tmp_path: Path
) -> None:
    """The image has no compiler."""
    uv(
        *("pip", "install", "--quiet", "--dry-run", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--python-version", "3.11"),
        *("--python-platform", f"{machine}-unknown-linux-gnu", "--target", tmp_path),
        *("--requirement", ROOT / "requirements/runtime.txt"),
    )

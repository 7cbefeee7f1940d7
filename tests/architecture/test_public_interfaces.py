"""The packages that people copy use only public interfaces of their dependencies."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.service import ROOT

COPIED = ("service", "telemetry")
MODULES = {
    file.relative_to(ROOT / "packages" / name).as_posix(): file
    for name in COPIED
    for file in sorted((ROOT / "packages" / name).glob(f"{name}/**/*.py"))
    if file.stem != "__main__"
}
# Names that documentation tells users to write, in spite of their form.
DOCUMENTED = {
    "os._exit": "https://docs.python.org/3/library/os.html#os._exit",
    # Names the processes of several workers; this library has no other way to do so.
    "values.ValueClass": "django-prometheus, documentation/exports.md",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def is_foreign(module: str | None) -> bool:
    return module is not None and module.split(".")[0] not in COPIED


def written(source: str) -> Iterator[str]:
    """Yield what the text of a module takes from others or puts into them."""
    tree = ast.parse(source)
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_own(node)}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            yield from (a.name for a in node.names if any(map(is_private, a.name.split("."))))
        elif isinstance(node, ast.ImportFrom) and is_foreign(node.module):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
            names = [*str(node.module).split("."), *(alias.name for alias in node.names)]
            yield from (f"from {node.module} import {each}" for each in names if is_private(each))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            own.add(node.target.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            text = ast.unparse(node)
            if node.attr not in own and text not in DOCUMENTED:
                yield text
        yield from (text for text in put(node, modules) if text not in DOCUMENTED)


def is_own(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"


def put(node: ast.AST, modules: set[str]) -> Iterator[str]:
    """Yield assignments into modules of others."""
    for target in node.targets if isinstance(node, ast.Assign) else ():
        text = ast.unparse(target)
        into = isinstance(target, ast.Attribute) and ast.unparse(target.value) in modules
        if into or text.startswith(("vars(", "sys.modules[")):
            yield text
    is_call = isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr"
    if is_call and ast.unparse(node.args[0]) in modules:  # type: ignore[attr-defined]
        yield ast.unparse(node)


def overridden(module: ModuleType) -> Iterator[str]:
    """Yield private methods and attributes of others' classes that a module's classes replace."""
    for _, defined in inspect.getmembers(module, inspect.isclass):
        if defined.__module__ != module.__name__:
            continue
        for base in defined.__mro__[1:]:
            if is_foreign(base.__module__):
                both = set(vars(base)) & set(vars(defined))
                # Each class has those that its metaclass makes.
                made = ("_abc_impl", "_is_protocol", "_is_runtime_protocol", "_ninja_resolvers")
                yield from (
                    f"{defined.__name__}.{each} of {base.__module__}"
                    for each in sorted(both)
                    if is_private(each) and each not in made
                )


@pytest.mark.parametrize("name", MODULES)
def test_a_module_uses_public_interfaces_alone(name: str) -> None:
    module = importlib.import_module(
        name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    )
    found = [*written(MODULES[name].read_text()), *overridden(module)]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "from opentelemetry.sdk import _configuration",
        "from opentelemetry.sdk.metrics._internal import x",
        "import opentelemetry.sdk._logs",
        "from django import http\nhttp.HttpRequest._read_started",
        "import logging\nlogging.Logger.manager._fixupParents",
        "from opentelemetry import trace\ntrace._TRACER_PROVIDER = None",
        "from opentelemetry import trace\ntrace.get_tracer = None",
        "import gunicorn.http\nvars(gunicorn.http)['x'] = 1",
        "import structlog\nsetattr(structlog, 'x', 1)",
        "class A(B):\n    def f(self):\n        return self._of_the_base",
        "class A(B):\n    def f(self):\n        return super()._parse()",
    ],
)
def test_a_private_use_would_be_noticed(source: str) -> None:
    assert list(written(source))


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos._exit(0)",
        "from prometheus_client import values\nvalues.ValueClass = int",
        "from telemetry.lines import _stamp",
        "class A:\n    _x: int = 0\n    def f(self):\n        self._y = 1\n        return self._x",
        "import logging\nlogger = logging.getLogger('x')\nlogger.level = 3",
    ],
)
def test_public_and_own_names_are_not_findings(source: str) -> None:
    assert list(written(source)) == []


def test_an_overridden_private_method_would_be_noticed() -> None:
    module = ModuleType("of_ours")

    class Base:
        def _inner(self) -> None: ...

    class Ours(Base):
        def _inner(self) -> None: ...

    Base.__module__, Ours.__module__ = "of_others", "of_ours"
    module.Ours = Ours  # type: ignore[attr-defined]
    assert list(overridden(module)) == ["Ours._inner of of_others"]


def test_the_accelerator_is_where_the_private_names_are() -> None:
    """Hold the other side, so that the rule above is not satisfied by looking at nothing."""
    folder = Path(ROOT / "packages/telemetry-fast/telemetry_fast")
    assert len([found for file in folder.glob("*.py") for found in written(file.read_text())]) > 20

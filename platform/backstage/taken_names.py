"""Print the names that a new service cannot have, for the form of the software template.

The result is a list of JSON Schemas in YAML. Each one refuses the names of one kind and says why.
Usage: taken_names.py > platform/backstage/template/taken.yaml
"""

import json
import keyword
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from codeowners import ROOT, documents
from ruamel.yaml.resolver import implicit_resolvers
from service.django.postgresql.settings import DatabaseEnvironment
from service.environment import ServerEnvironment, prefixed
from stdlib_list import stdlib_list

# The union, so that every supported Python generates the same list.
SUPPORTED: Final = ("3.11", "3.12", "3.13", "3.14")
NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
IN_CATALOG: Final = ("API", "Component", "Resource")
# A service lies beside the folders in these folders.
PLACES: Final = (
    ".",
    "packages",
    "platform",
    "platform/generated",
    "tests/unit",
    "tests/integration",
)
# Variables that other programs in the container read.
FOREIGN: Final = ("LOG_LEVEL", "OTEL_SERVICE_NAME", "PYTHON_COLORS")


def catalog(root: Path) -> Iterator[str]:
    """Yield the names of components, APIs and parts of the cluster in the catalog."""
    (location,) = (
        each for each in documents(root / "catalog-info.yaml") if each["kind"] == "Location"
    )
    for target in location["spec"]["targets"]:
        for file in root.glob(target):
            entities = documents(file)
            yield from (each["metadata"]["name"] for each in entities if each["kind"] in IN_CATALOG)


def yaml_words(_root: Path) -> Iterator[str]:
    """Yield the words that YAML 1.1 does not read as text: `yes` is a boolean."""
    scalars = [
        expression for versions, _, expression, _ in implicit_resolvers if (1, 1) in versions
    ]
    words = {word for each in scalars for word in re.findall(r"[a-z]+", each.pattern)}
    yield from (word for word in words if any(each.match(word) for each in scalars))


def python(_root: Path) -> Iterator[str]:
    """Yield Python's keywords, and the modules of each supported version's standard library."""
    yield from (*keyword.kwlist, *keyword.softkwlist)
    for version in SUPPORTED:
        yield from (module for module in stdlib_list(version) if "." not in module)


def packages(root: Path) -> Iterator[str]:
    """Yield locked distributions and their modules, and those of this repository."""
    locks = {
        file.stem: re.findall(r"^([a-z0-9.-]+)==", file.read_text(), re.MULTILINE)
        for file in root.glob("requirements/*.txt")
    }
    for distributions in locks.values():
        yield from distributions
    # Other installed packages depend on the machine.
    for module, distributions in packages_distributions().items():
        if not set(map(written, distributions)).isdisjoint(locks["dev"]):
            yield module
    for file in root.glob("[ps]*/*/pyproject.toml"):
        yield tomllib.loads(file.read_text())["project"]["name"]
    yield from (file.parent.name for file in root.glob("[ps]*/*/*/__init__.py"))


def variables(_root: Path) -> Iterator[str]:
    """Yield the names whose settings would begin as a variable of another program does."""
    own = prefixed("OF_A_SERVICE_")
    shared = (name for name in ServerEnvironment.model_fields if own(name) == name)
    for variable in (*shared, *FOREIGN):
        yield variable
        yield variable.partition("_")[0]


def addresses(_root: Path) -> Iterator[str]:
    """Yield the names whose address, `<CALLER>_<NAME>_URL`, is another setting of a caller."""
    for setting in DatabaseEnvironment.model_fields:
        if setting.endswith("_URL"):
            yield setting.removesuffix("_URL")


def folders(root: Path) -> Iterator[str]:
    """Yield the folders that those of a service would be mixed with."""
    for file in _files(root):
        yield from (each.name for each in file.parents if each.parent in map(Path, PLACES))


def _files(root: Path) -> Iterable[Path]:
    """The repository's files without what is built, or all of a copy that git does not have."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if listed:
        return map(Path, listed)
    return (file.relative_to(root) for file in root.rglob("*") if file.is_file())


REASONS: Final[tuple[tuple[Callable[[Path], Iterable[str]], str], ...]] = (
    (catalog, "is in the catalog already"),
    (yaml_words, "is not read as text by YAML, but as true, false or null"),
    (python, "is a keyword of Python or a module of its standard library"),
    (packages, "is a Python package that this repository uses"),
    (variables, "begins environment variables that other programs read"),
    (addresses, "gives each service that calls it two settings of one name"),
    (folders, "is a folder of this repository already"),
)


def written(name: str) -> str:
    """Write a name as a service's name is written."""
    return re.sub(r"[-_.]+", "-", name).lower()


def taken(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each reason with its names. A name has one reason, the first that is true of it."""
    seen: set[str] = set()
    for names, reason in REASONS:
        found = {name for name in map(written, names(root)) if NAME.fullmatch(name)} - seen
        seen |= found
        yield reason, sorted(found)


def schemas(root: Path) -> Iterator[str]:
    """Yield the lines of the file, one for each name, so that two new services merge."""
    yield "# Generated by `make generate`: do not edit."
    for reason, names in taken(root):
        # The form puts the value in the place of `${0}`.
        yield f"- errorMessage: ${{0}} {reason}. Choose another name"
        yield "  not:"
        yield "    enum:"
        # YAML 1.1 reads some of the names as booleans.
        yield from (f"      - {json.dumps(name)}" for name in names)


if __name__ == "__main__":
    print(*schemas(ROOT), sep="\n")

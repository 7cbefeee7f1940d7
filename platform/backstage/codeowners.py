"""Print GitHub's CODEOWNERS: the catalog's owners, as teams of the organization that adopted this.

A team has the name of its group. Usage: codeowners.py > .github/CODEOWNERS
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
HEADER = (
    "# Generated from the catalog by `make generate`: do not edit. The last line that fits counts."
)


def documents(file: Path) -> list[Any]:
    """Read every document of a YAML file."""
    return list(YAML(typ="safe").load_all(file))


def owner_of(file: Path, kind: str) -> str:
    """Return the group that owns the one entity of this kind in a catalog file."""
    (entity,) = (each for each in documents(file) if each["kind"] == kind)
    group: str = entity["spec"]["owner"]
    return group.removeprefix("group:").removeprefix("default/")


def codeowners(root: Path) -> Iterator[str]:
    """Yield the lines: the whole to who owns the system, each service to who owns its component."""
    (adoption,) = documents(root / "platform/adopt.yaml")
    organisation = adoption["organisation"]
    yield HEADER
    yield f"* @{organisation}/{owner_of(root / 'catalog-info.yaml', 'System')}"
    for file in sorted(root.glob("services/*/catalog-info.yaml")):
        service, owner = file.parent.name, owner_of(file, "Component")
        for path in (
            f"/services/{service}/",
            f"/platform/generated/{service}/",
            f"/platform/argocd/environments/*/{service}.yaml",
        ):
            yield f"{path} @{organisation}/{owner}"


if __name__ == "__main__":
    print(*codeowners(ROOT), sep="\n")

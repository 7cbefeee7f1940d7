"""The declarations of all services in a repository, from their modules `names`."""

import runpy
from pathlib import Path

from telemetry.names import Declaration


def of_repository(root: Path) -> dict[str, Declaration]:
    """Return what each service of a repository declares, by its folder under `services/`.

    Raises:
        ValueError, TypeError: As `of_service`.
    """
    folders = sorted({file.parent.parent for file in root.glob("services/*/*/names.py")})
    return {folder.name: of_service(folder) for folder in folders}


def of_service(folder: Path) -> Declaration:
    """Return what a service declares in `<package>/names.py`; nothing if it has no such module.

    Raises:
        ValueError: There are two such modules.
        TypeError: The module lacks DECLARED, or it is something else.
    """
    files = sorted(folder.glob("*/names.py"))
    if not files:
        return Declaration()
    if len(files) > 1:
        raise ValueError(f"{files[1]}: {files[0]} declares names already; keep one module")
    declared = runpy.run_path(str(files[0])).get("DECLARED")
    if not isinstance(declared, Declaration):
        raise TypeError(f"{files[0]}: set DECLARED to a telemetry.names.Declaration")
    return declared

"""Faults on purpose in the service of a running stack."""

import json
from pathlib import Path
from typing import Final

from stack.errors import StackError

FAULTS: Final = ("errors", "latency", "db-down", "off")


def inject(file: Path, fault: str, share: float) -> str:
    """Switch a fault on, or all off, and return what that does.

    Args:
        file: What the service was told to look at (PORTS_FAULTS_FILE).
        fault: One of FAULTS.
        share: Share of the requests that it hits, 0 to 1.

    Raises:
        StackError: If no stack runs, or the share is none.
    """
    if not 0 <= share <= 1:
        raise StackError(f"share {share} is not between 0 and 1")
    if not file.parent.is_dir():
        raise StackError("no stack has been started here: run `make stack` in another terminal")
    if fault == "off":
        file.unlink(missing_ok=True)
        return "No fault any more."
    # Renamed into place: the service never reads half a file.
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"fault": fault, "share": share}))
    new.rename(file)
    return f"{share:.0%} of the requests to /ports: {fault}. `make chaos FAULT=off` ends it."

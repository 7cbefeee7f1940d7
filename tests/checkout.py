"""The files of this checkout: those that git has, and those that it would take."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.service import ROOT


def tracked(*patterns: str) -> list[str]:
    """Return their names, all of them or those of these patterns, without what git ignores."""
    listed = subprocess.run(
        [
            *("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
            *("--deduplicate", "--", *patterns),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy_to(folder: Path) -> None:
    """Copy them all into a folder, which is made if need be."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)


def clone_to(folder: Path) -> None:
    """Make a git repository of all files, with one commit; the built tools are shared."""
    copy_to(folder)
    (folder / "tools" / "bin").symlink_to(ROOT / "tools" / "bin")
    git = ("git", "-C", str(folder))
    name, mail = "user.name=Tests", "user.email=tests@example.com"
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("-c", name, "-c", mail, "commit", "--quiet", "--message=Start"),
    ):
        subprocess.run([*git, *command], check=True)


def devcontainer() -> dict[str, Any]:
    """Return what the devcontainer's file says, without its comments."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    said: dict[str, Any] = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    return said

"""The pages of the repository, and the commands that they tell people to type."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.service import ROOT

FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return every page of the repository, templates of pages apart."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if "skeleton" not in name]


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield page, language and content of each block of commands."""
    for page in pages():
        for _, language, content in FENCE.findall(page.read_text()):
            if language.split(" ")[0] in {"sh", "bash", "shell", "console"}:
                yield str(page.relative_to(ROOT)), language, content


def commands(language: str, content: str) -> list[str]:
    """Return the commands of a block: of a console those after the prompt, or all that has none."""
    lines = [line.split(" #")[0].strip() for line in content.splitlines()]
    if language == "console" and "$ " in content:
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if line and not line.startswith("#")]

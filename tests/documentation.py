"""The pages of the repository, and the commands that they tell people to type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import tracked
from tests.service import ROOT

# A block of commands that need a cluster has this above it: neither GitHub nor MkDocs shows it.
CLUSTER = "<!-- needs a cluster -->"
FENCE = re.compile(
    rf"^(?P<mark> *{CLUSTER}\n)?(?P<indent> *)```(?P<language>[^\n]*)\n"
    r"(?P<content>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
# A command goes on in the next line after these.
CONTINUED = re.compile(r" *\\\n *|(?<=\|)\n *")


def pages() -> list[Path]:
    """Return every page of the repository, templates of pages apart."""
    return [ROOT / name for name in tracked("*.md") if "skeleton" not in name]


@dataclass(frozen=True)
class Block:
    """A block of commands on a page."""

    page: str
    language: str
    content: str
    needs_cluster: bool


def blocks() -> Iterator[Block]:
    """Yield each block of commands."""
    for page in pages():
        for found in FENCE.finditer(page.read_text()):
            if found["language"] in {"sh", "bash", "shell", "console"}:
                yield Block(
                    str(page.relative_to(ROOT)),
                    found["language"],
                    found["content"],
                    needs_cluster=found["mark"] is not None,
                )


def on_a_cluster() -> list[tuple[str, str]]:
    """Return each command that needs a cluster, with its page."""
    return [
        (block.page, command)
        for block in blocks()
        if block.needs_cluster
        for command in commands(block)
    ]


def commands(block: Block) -> list[str]:
    """Return the commands of a block: of a console those after the prompt, or all that has none."""
    whole = CONTINUED.sub(" ", block.content)
    lines = [line.split(" #")[0].strip() for line in whole.splitlines()]
    if block.language == "console" and "$ " in block.content:
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if line and not line.startswith("#")]


def documented(page: str, words: str) -> str:
    """Return the one command of a page that is these words, or begins with them.

    A test that runs it fails by itself when the page says something else one day.
    """
    every = [command for block in blocks() if block.page == page for command in commands(block)]
    found = [command for command in every if command == words] or [
        command for command in every if command.startswith(f"{words} ")
    ]
    assert len(found) == 1, f"{page}: `{words}` begins {len(found)} commands"
    return found[0]


def console(page: str) -> list[tuple[str, str]]:
    """Return each command of a page's console blocks with the output that the page shows."""
    parts = [
        part
        for block in blocks()
        if block.page == page and block.language == "console"
        for part in re.split(r"^\$ ", block.content, flags=re.MULTILINE)[1:]
    ]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def diff(page: str) -> str:
    """Return the changes that a page shows, as one patch."""
    found = FENCE.finditer((ROOT / page).read_text())
    return "".join(block["content"] for block in found if block["language"] == "diff")

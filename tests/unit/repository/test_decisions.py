"""Each decision has the sections of MADR on one page, and the index lists it by its title."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.service import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "index.md").read_text()
STATUS = re.compile(
    r"^\*\*Status:\*\* (?:proposed|accepted|superseded by \[\d{4}\]\((\S+\.md)\))\. "
    r"\*\*Date:\*\* \d{4}-\d{2}-\d{2}\.$",
    re.MULTILINE,
)
SECTIONS = ["Context", "Options", "Decision", "Consequences"]
WORDS_OF_A_PAGE = 450
SUPERSEDED = re.findall(r"^\| (\d{4}): .+ \| \[(\d{4})\]\((\S+)\) \|$", INDEX, re.MULTILINE)
every_decision = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def faults(text: str) -> list[str]:
    """Return what a decision's page lacks."""
    found = []
    status = STATUS.search(text)
    if status is None:
        found.append("status and date")
    elif status[1] and not (FOLDER / status[1]).exists():
        found.append("the decision that supersedes it")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    if parts[1::2] != SECTIONS:
        return [*found, "sections"]
    _, options, _, consequences = parts[2::2]
    if "| option | for | against |\n" not in options or options.count("\n| ") < 4:
        found.append("options with a reason for and against")
    if "- Good: " not in consequences or "- Bad: " not in consequences:
        found.append("good and bad consequences")
    if len(text.split()) > WORDS_OF_A_PAGE:
        found.append("brevity")
    return found


@every_decision
def test_a_decision_has_the_sections_of_madr_on_one_page(page: Path) -> None:
    assert faults(page.read_text()) == []


GOOD = PAGES[0].read_text()


@pytest.mark.parametrize(
    ("text", "lack"),
    [
        (GOOD.replace("accepted", "done"), "status and date"),
        (
            GOOD.replace("accepted", "superseded by [9999](9999-none.md)"),
            "the decision that supersedes it",
        ),
        (GOOD.replace("## Options", "## Choices"), "sections"),
        (GOOD.replace("| option | for | against |", ""), "options with a reason for and against"),
        (GOOD.replace("- Bad: ", "- "), "good and bad consequences"),
        (GOOD + "word " * WORDS_OF_A_PAGE, "brevity"),
    ],
)
def test_a_decision_that_lacks_something_is_found(text: str, lack: str) -> None:
    assert faults(text) == [lack]


def test_the_index_lists_each_decision_once_by_its_title() -> None:
    listed = re.findall(r"^- \[\d{4}\]\(([^)]+)\): (.+)$", INDEX, re.MULTILINE)
    titles = [(page.name, page.read_text().splitlines()[0].removeprefix("# ")) for page in PAGES]
    assert sorted(listed) == titles


def test_a_superseded_number_is_not_used_again_and_names_a_decision() -> None:
    numbers = {page.name[:4]: page.name for page in PAGES}
    superseded = [number for number, _, _ in SUPERSEDED]
    assert len(superseded) == len(set(superseded)) > 0
    assert not numbers.keys() & set(superseded)
    assert [row for row in SUPERSEDED if numbers.get(row[1]) != row[2]] == []


def test_every_decision_that_a_file_names_by_its_number_exists() -> None:
    named = subprocess.run(
        ["git", "grep", "-hoiE", r"(docs/decisions/|decisions? (records? )?)[0-9]{4}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    numbers = {found[-4:] for found in named if found}
    assert numbers
    assert numbers - {page.name[:4] for page in PAGES} == set()

"""Each decision has a status and a date, and is listed in the index by its title."""

import re
from pathlib import Path

import pytest

from tests.service import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
STATUS = re.compile(
    r"^\*\*Status:\*\* (accepted|superseded by \[\d{4}\]\(\S+\.md\))\. "
    r"\*\*Date:\*\* \d{4}-\d{2}-\d{2}\.",
    re.MULTILINE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_a_status_and_a_date(page: Path) -> None:
    assert STATUS.search(page.read_text())


def test_the_index_lists_each_decision_once_by_its_title() -> None:
    listed = re.findall(
        r"^- \[\d{4}\]\(([^)]+)\): (.+)$", (FOLDER / "index.md").read_text(), re.MULTILINE
    )
    titles = [(page.name, page.read_text().splitlines()[0].removeprefix("# ")) for page in PAGES]
    assert sorted(listed) == titles


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_superseded_decision_is_listed_as_superseded(page: Path) -> None:
    _, superseded = (FOLDER / "index.md").read_text().split("## Superseded")
    assert ("superseded by" in page.read_text()) == (page.name in superseded)

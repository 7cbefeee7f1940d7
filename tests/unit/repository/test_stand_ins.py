"""The page of stand-ins names every file that says it is one, or uses one."""

import re
from pathlib import Path

import pytest

from tests import checkout
from tests.service import ROOT

PAGE = ROOT / "docs/stand-ins.md"
SAID = re.compile(r"\bstand-?ins?\b|\bstands? in for\b", re.IGNORECASE)
NAMED = re.compile(r"`([\w.-]+/(?:[\w./-]|\$\{\{ [\w.]+ \}\})*\.\w+)`")
# These only refer to the page, or print what a suite says.
APART = {str(Path(__file__).relative_to(ROOT)), "mkdocs.yml", "tests/scenarios.py"}


def saying() -> list[str]:
    """Return the files that say so, pages apart; an image or an archive says nothing."""
    return [
        name
        for name in checkout.tracked()
        if name not in APART
        and not name.startswith("docs/")
        and not name.endswith(".md")
        and SAID.search((ROOT / name).read_text(errors="ignore"))
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"""A stand-in for Tilt."""', True),
        ("# STAND-IN for the upstream chart", True),
        ("Images that stand in for the official ones", True),
        ("how to do it stands in the runbook", False),
        ("an alias of what it stands in", False),
    ],
)
def test_a_file_that_says_so_is_recognized(text: str, said: bool) -> None:
    assert bool(SAID.search(text)) is said


def test_every_stand_in_is_on_the_page() -> None:
    files = saying()
    assert "platform/stack/stack/podlogs.py" in files
    missing = sorted(set(files) - set(NAMED.findall(PAGE.read_text())))
    assert missing == [], f"add a row to {PAGE.relative_to(ROOT)}"


def test_every_row_says_when_the_stand_in_was_compared() -> None:
    rows = [
        line.strip("|").split("|")
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ") and NAMED.search(line)
    ]
    assert len(rows) > 15
    when = re.compile(r"each run of|never|unknown|\b20\d\d\b", re.IGNORECASE)
    assert [row[0].strip() for row in rows if len(row) != 4 or not when.search(row[3])] == []

"""Runbook pages that can be executed, and what counts as the result that a page announces."""

import re
from pathlib import Path

import pytest
from stack.values import ROOT

from tests.gameday.runbook import (
    CAUSES,
    FIRST_LOOK,
    RECOVERY,
    Expectation,
    PageError,
    Result,
    blocks,
)

PAGES = sorted(ROOT.glob("services/*/runbooks/*.md"))
PROBE = re.compile(r'"\$SERVICE/(ready|live)"')
TWO = [Result({"route": "/ports"}, 2), Result({"route": "/live"}, 0.5)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_every_page_can_be_run_and_says_what_it_returns(page: Path) -> None:
    found = blocks(page)
    assert len(found) == page.read_text().count("```") / 2
    assert {block.section for block in found} == {FIRST_LOOK, CAUSES, RECOVERY}
    assert all(block.cause for block in found if block.section == CAUSES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_query_and_filter_names_the_environment(page: Path) -> None:
    for block in blocks(page):
        is_probe = PROBE.search(block.text) is not None  # of the one service at that address
        assert is_probe or '"prod"' in block.text, f"{page.name}, line {block.line}"


@pytest.mark.parametrize(
    ("words", "results", "holds"),
    [
        ("nothing", [], True),
        ("nothing", TWO, False),
        ("a result", TWO, True),
        ("a result", [], False),
        ('a result with `route="/live"`', TWO, True),
        ('a result with `route="/ready"`', TWO, False),
        ("above 0.4", TWO, True),
        ("above 0.5", TWO, False),
        ("above 0", [], False),
        ("above 0", [Result({}, float("nan"))], False),
        ("a value above 0.5", TWO, True),
        ("a value above 2", TWO, False),
        ("below 2.1", TWO, True),
        ("below 2", TWO, False),
        ("2", TWO, False),
        ("2", TWO[:1], True),
        ("0", [], False),
    ],
)  # fmt: skip
def test_an_expectation_holds_for_what_it_says(
    words: str, results: list[Result], holds: bool
) -> None:
    assert Expectation(words).holds(results) is holds


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ("```jaeger\nx\n```\n\nExpect a result.", "line 1: a block of 'jaeger' can't be run"),
        ("```sh\nx\n```\n\nIt may return this.", "line 1: after the block, say what it returns"),
        ("```sh\nx\n```\n\nExpect the best.", "cannot check 'the best'"),
    ],
)
def test_a_page_that_cannot_be_executed_is_refused(
    tmp_path: Path, after: str, problem: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text(after)
    with pytest.raises(PageError, match=problem):
        blocks(page)


def test_a_block_knows_its_cause_and_what_it_returns_otherwise(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "## Likely causes\n### Rust\n```promql\nup\n```\n\n"
        "Expect above 0.5 if this is the cause,\nelse nothing. And so on.\n"
    )
    [block] = blocks(page)
    assert (block.language, block.text, block.cause) == ("promql", "up", "Rust")
    assert (block.expected, block.otherwise) == (Expectation("above 0.5"), Expectation("nothing"))


def test_a_section_of_a_page_that_has_other_blocks_can_be_executed() -> None:
    page, section = ROOT / "docs" / "slo.md", "When the watchdog falls silent"
    assert {block.cause for block in blocks(page, section)} == {
        "Prometheus is down",
        "Prometheus has not loaded the rules",
        "Prometheus does not reach Alertmanager",
    }

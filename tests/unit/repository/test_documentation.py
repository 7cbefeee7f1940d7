"""The documentation leads nowhere that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.documentation import FENCE, pages
from tests.service import ROOT

HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    text = FENCE.sub("", page.read_text())
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Yield the links in a page's text that lead to no file or heading of the repository."""
    for link in (one or other for one, other in LINK.findall(FENCE.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue  # elsewhere: nobody can say without asking there
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert list(dead_links(page, page.read_text())) == []


@pytest.mark.parametrize("link", ["none.md", "index.md#none", "#none", "../none/"])
def test_a_dead_link_is_found(link: str) -> None:
    assert list(dead_links(ROOT / "docs" / "index.md", f"see [it]({link})")) == [link]


def test_every_page_that_is_not_found_by_its_place_is_in_the_navigation() -> None:
    listed: set[str] = set()

    def walk(item: object) -> None:
        match item:
            case str():
                listed.add(item)
            case list():
                for each in item:
                    walk(each)
            case dict():
                for each in item.values():
                    walk(each)

    walk(YAML(typ="safe").load(ROOT / "mkdocs.yml")["nav"])
    docs = ROOT / "docs"
    found = {
        str(page.relative_to(docs))
        for page in docs.rglob("*.md")
        if page.parent.name not in {"decisions", "slos"}
    }
    assert found - listed == set()


def test_every_service_has_its_pages_in_the_documentation() -> None:
    for folder in ROOT.glob("services/*/"):
        (site,) = YAML(typ="safe").load_all(folder / "mkdocs.yml")
        assert site == {"site_name": folder.name, "docs_dir": "runbooks"}

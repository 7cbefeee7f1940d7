"""The documentation leads nowhere that is not there."""

import json
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption

from tests.checkout import tracked
from tests.documentation import FENCE, pages
from tests.service import ROOT

HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
# `[text](link "title")`, also of images, `[name]: link`, `<link>`, links in HTML.
LINK = re.compile(
    r"\]\(<?([^)>\s]+)>?(?: \"[^\"]*\")?\)|^\[[^\]]+\]: +(\S+)|<(https?://[^>\s]+)>"
    r"|(?:href|src)=\"([^\"]+)\"",
    re.MULTILINE,
)
# Pages of the site refer by their names to files that are not in it.
NAME = re.compile(r"`([\w.-]+/[\w.*<>/-]*)`")
TEST = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)
CALLED_TEST = re.compile(r"`(test_\w+)`")
# A service that pages take for an example is not there.
EXAMPLE = re.compile("port.calls")
ADOPTION = load_adoption(ROOT)
OURS = re.compile(rf"{re.escape(ADOPTION.repository)}/\w+/main/([\w./-]*)(?:#([\w-]+))?")
# GitHub's page of a workflow, in whoever's copy of the repository.
WORKFLOW = re.compile(r"\.\./\.\./actions/(workflows/[\w.-]+\.yml)(?:/badge\.svg)?")
DASHBOARD = re.compile(rf"{re.escape(ADOPTION.urls.grafana)}/d/([\w-]+)")
FILES = set(tracked())
# The files that git has, without other files here, and their folders.
EXISTING = FILES | {str(folder) for name in FILES for folder in Path(name).parents}


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    text = FENCE.sub("", page.read_text())
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def is_there(path: Path, anchor: str | None) -> bool:
    """Tell whether the repository has a file or folder, and in it the heading."""
    if not path.is_relative_to(ROOT) or str(path.relative_to(ROOT)) not in EXISTING:
        return False
    return not anchor or anchor in anchors(path)


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Yield the links in a page's text that lead to no file or heading of the repository.

    Of links to elsewhere nobody can say so without asking there; they must be https.
    """
    for found in LINK.finditer(FENCE.sub("", text)):
        link = next(filter(None, found.groups()))
        if re.match(r"[a-z]+:", link):
            if not link.startswith("https://"):
                yield link
            continue
        if page == ROOT / "README.md" and (workflow := WORKFLOW.fullmatch(link)):
            link = f".github/{workflow[1]}"
        path, _, anchor = link.partition("#")
        if not is_there((page.parent / path).resolve() if path else page, anchor):
            yield link


def dead_names(text: str) -> Iterator[str]:
    """Yield what a page's text has as code, begins like a path of the repository, and is none."""
    for name in NAME.findall(FENCE.sub("", text)):
        if name.split("/")[0] in EXISTING and not EXAMPLE.search(name):
            pattern = re.sub(r"<[^>]*>", "*", name.rstrip("/"))
            if not any(fnmatch(each, pattern) for each in EXISTING) and not is_ignored(name):
                yield name


def is_ignored(name: str) -> bool:
    """Tell whether a name is of something that is made here and git ignores."""
    folders = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    return name.rstrip("/") in folders or not folders.isdisjoint(Path(name).parts)


@cache
def every_test() -> frozenset[str]:
    """Return the name of every test that is written in Python."""
    texts = ((ROOT / name).read_text() for name in tracked("*test_*.py"))
    return frozenset(name for text in texts for name in TEST.findall(text))


def dead_tests(text: str) -> list[str]:
    """Return what a page names as a test, and none is called so."""
    return [name for name in CALLED_TEST.findall(text) if name not in every_test()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert list(dead_links(page, page.read_text())) == []
    assert list(dead_names(page.read_text())) == []
    assert dead_tests(page.read_text()) == []


def test_a_name_of_a_test_that_is_not_there_is_found() -> None:
    text = "`test_that_nobody_wrote`, `test_no_link_is_dead`, `tests/unit/repository/test_none.py`"
    assert dead_tests(text) == ["test_that_nobody_wrote"]


@pytest.mark.parametrize(
    "text",
    [
        "see [it](none.md)",
        "see [it](index.md#none)",
        "see [it](#none)",
        "see [it](../none/)",
        'see [it](none.md "a title")',
        "[![a picture](architecture.svg)](none.md)",
        "[it]: none.md",
        '<img src="none.svg">',
        "see [it](../../elsewhere.md)",
        "see [it](../.venv)",
        "see [it](http://example.com)",
        "see <http://example.com>",
    ],
)
def test_a_dead_link_is_found(text: str) -> None:
    assert len(list(dead_links(ROOT / "docs" / "index.md", text))) == 1


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("`docs/none.md`", ["docs/none.md"]),
        ("`services/<service>/none.yaml`", ["services/<service>/none.yaml"]),
        ("`docs/index.md`, `services/<service>/slo.yaml`, `docs/how-to/`, `tools/bin/`", []),
        ("`application/json`, `a/b`, `tests/unit/port_calls`", []),
    ],
)
def test_a_name_of_a_file_that_is_not_there_is_found(text: str, dead: list[str]) -> None:
    assert list(dead_names(text)) == dead


def addresses(pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield each address of a form in any file of the repository, with the file's name."""
    for name in sorted(FILES):
        if "skeleton" not in name:
            for found in pattern.finditer((ROOT / name).read_text(errors="replace")):
                yield name, found


def test_addresses_of_this_repository_lead_to_files_and_headings_of_it() -> None:
    found = list(addresses(OURS))
    assert {Path(name).suffix for name, _ in found} >= {".json", ".yaml"}
    assert [
        f"{name}: {link[0]}" for name, link in found if not is_there(ROOT / link[1], link[2])
    ] == []


def test_addresses_of_dashboards_lead_to_dashboards_that_are_generated() -> None:
    boards = {
        json.loads((ROOT / name).read_text())["uid"]
        for name in tracked("platform/generated/*/dashboards/*.json")
    }
    found = list(addresses(DASHBOARD))
    assert len({link[1] for _, link in found}) > 2
    assert [f"{name}: {link[0]}" for name, link in found if link[1] not in boards] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_has_a_language_that_is_one_word(page: Path) -> None:
    # MkDocs takes a block with more than that for text.
    languages = [found["language"] for found in FENCE.finditer(page.read_text())]
    assert [each for each in languages if " " in each] == []


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
    for folder in (file.parent for file in ROOT.glob("services/*/pyproject.toml")):
        (site,) = YAML(typ="safe").load_all(folder / "mkdocs.yml")
        assert site == {"site_name": folder.name, "docs_dir": "runbooks"}


def test_no_file_has_the_marks_of_a_merge() -> None:
    marked = subprocess.run(
        ["git", "grep", "--name-only", "-E", "^(<{7} |>{7} )"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,  # it fails if it finds nothing
    )
    assert marked.stdout == marked.stderr == ""


def test_every_file_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    assert named
    missing = [name for name in named if not (ROOT / name).exists()]
    assert [name for name in missing if not WORKFLOW.fullmatch(name)] == []

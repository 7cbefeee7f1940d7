"""The pictures in docs/images show what is there now."""

import json
import re
from pathlib import Path

import pytest

from tests import checkout
from tests.service import ROOT
from tests.support import pictures
from tools import flows


def test_no_picture_is_older_than_what_it_shows() -> None:
    assert pictures.out_of_date() == [], "run: make pictures"


def test_links_and_descriptions_of_a_dashboard_do_not_change_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pictures.digests("requests.webp")
    (source,) = before
    dashboard = json.loads((ROOT / source).read_text())
    assert dashboard["links"]
    for change, same in (("links", True), ("description", True), ("panels", False)):
        changed = tmp_path / source
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text(json.dumps({**dashboard, change: []}))
        monkeypatch.setattr(pictures, "ROOT", tmp_path)
        assert (pictures.digests("requests.webp") == before) is same


def test_only_the_form_of_the_template_changes_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pictures.digests("backstage-form.webp")
    (source,) = before
    text = (ROOT / source).read_text()
    changed = tmp_path / source
    changed.parent.mkdir(parents=True)
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    for old, new, same in (
        ("publish:github:", "publish:gitlab:", True),
        ("title: Owner", "title: Team", False),
        ("maxLength: 30", "maxLength: 20", False),
    ):
        assert old in text
        changed.write_text(text.replace(old, new))
        assert (pictures.digests("backstage-form.webp") == before) is same


def test_a_changed_source_makes_its_picture_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = pictures.drawn()
    (source,) = drawn["requests.webp"]
    drawn["requests.webp"][source] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(drawn))
    monkeypatch.setattr(pictures, "MANIFEST", tmp_path / "manifest.json")
    assert pictures.out_of_date() == ["requests.webp"]


def test_each_picture_is_shown_on_a_page_with_a_text_for_those_who_do_not_see_it() -> None:
    shown: dict[str, str] = {}
    for page in checkout.tracked("*.md"):
        for text, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", (ROOT / page).read_text()):
            shown[Path(target).name] = text
    for picture in pictures.SOURCES:
        assert len(shown.get(picture, "")) > 30, f"{picture} has no page or no alternative text"


@pytest.mark.parametrize("name", flows.FLOWS)
def test_a_flow_is_drawn_as_it_is_told(name: str) -> None:
    drawn = "\n".join(flows.svg(flows.FLOWS[name])) + "\n"
    assert (pictures.FOLDER / f"{name}.svg").read_text() == drawn, "run: make generate"


def test_a_flow_through_what_is_not_there_is_refused() -> None:
    flow = flows.Flow("None", {"none": flows.Box(0, 0, "None", path="none")}, ())
    with pytest.raises(FileNotFoundError, match="None: no none"):
        list(flows.svg(flow))


def test_there_is_no_picture_that_nobody_draws() -> None:
    drawn = {Path(name).name for name in checkout.tracked("docs/images/*.webp")}
    assert drawn == pictures.SOURCES.keys()

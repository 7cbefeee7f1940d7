"""The page of all names."""

from tests.service import ROOT
from tools import reference


def test_the_committed_reference_is_what_the_names_say() -> None:
    committed = (ROOT / "docs" / "telemetry-reference.md").read_text(encoding="utf-8")
    assert committed == reference.page(ROOT), "run: make generate"

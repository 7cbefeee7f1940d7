"""The table of end-to-end scenarios in the documentation."""

import re

from stack.values import ROOT

TEST = re.compile(r"^def test_(\w+)\(", re.MULTILINE)
ROW = re.compile(r"^\| (\w+) \| ([^|]+?) \|", re.MULTILINE)


def test_the_documentation_lists_every_scenario_and_no_other() -> None:
    scenarios = {
        (file.stem.removeprefix("test_"), name.replace("_", " "))
        for file in (ROOT / "tests" / "e2e").glob("test_*.py")
        for name in TEST.findall(file.read_text())
    }
    rows = ROW.findall((ROOT / "docs" / "e2e.md").read_text())
    assert set(rows) - {("file", "scenario")} == scenarios

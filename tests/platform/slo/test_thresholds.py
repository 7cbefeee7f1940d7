"""The alerts' thresholds, by tests that share no number with the compiler.

A file of its own, as files are what processes share among them.
"""

import shutil
from pathlib import Path

import pytest

from tests.platform.slo.real import PORTS, run, tool


@pytest.mark.timeout(300)
def test_thresholds_are_those_of_the_workbook(tmp_path: Path) -> None:
    """Written by hand: the tests share no number with the compiler."""
    for file in (PORTS / "rules.yaml", Path(__file__).with_name("thresholds.test.yaml")):
        shutil.copy(file, tmp_path)
    printed = run(tool("promtool"), "test", "rules", "thresholds.test.yaml", cwd=tmp_path)
    assert "SUCCESS" in printed

from pathlib import Path

import pytest

from tests.bench import report, wrk

SAID = """
  Latency Distribution
     50%   13.70ms
     99%  800.00us
  4339 requests in 3.03s, 2.91MB read
Requests/sec:   1432.18
"""


def test_a_section_is_replaced_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# A\n<!-- x begins -->\nold\n<!-- x ends -->\nrest\n")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    report.write("x", "## X", "make x", report.table(("a", "b"), [("c", 1)]))
    text = page.read_text()
    assert "old" not in text
    assert "<!-- x begins -->\n## X\n\nMade by `make x` on " in text
    assert "| a | b |\n| --- | ---: |\n| c | 1 |\n<!-- x ends -->\nrest\n" in text


def test_a_section_that_the_page_does_not_have_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# A\n")
    monkeypatch.setattr(report, "PAGE", page)
    with pytest.raises(LookupError, match="no section x"):
        report.write("x", "## X", "make x", "text")


def test_latencies_are_read_in_whatever_unit_wrk_chose() -> None:
    assert wrk._milliseconds("50%", SAID) == pytest.approx(13.7)
    assert wrk._milliseconds("99%", SAID) == pytest.approx(0.8)
    with pytest.raises(RuntimeError, match="said nothing like"):
        wrk._milliseconds("90%", SAID)

"""The page that game days write."""

import re

from stack.values import ROOT

from tests.gameday.timeline import Detection, Timeline, page, title

TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
HEADING = re.compile(r"^### (.+)$", re.MULTILINE)


def test_the_page_has_the_timeline_of_every_scenario_and_no_other() -> None:
    files = sorted((ROOT / "tests" / "gameday").glob("test_*.py"))
    scenarios = [title(name) for file in files for name in TEST.findall(file.read_text())]
    assert HEADING.findall((ROOT / "docs" / "gameday.md").read_text()) == scenarios


def test_a_timeline_counts_from_its_first_moment_and_shows_the_promise_beside_it() -> None:
    kept = Timeline("Rust", detection=Detection("RustBurn1h", "`slo explain`", 5.0, 5.5))
    kept.mark("second", 101.5)
    kept.mark("first", 100)
    assert kept.lines() == [
        "    0.00 s  first",
        "    1.50 s  second",
        (
            "            detected: RustBurn1h after 5.50 s, promised 5.00 s (+10%; at full length "
            "2 min 45 s, promised 2 min 30 s)"
        ),
    ]
    assert "| Rust | RustBurn1h | `slo explain` | 2 min 30 s | 2 min 45 s | +10% |" in page([kept])


def test_a_detection_is_kept_within_a_fifth_of_the_prediction() -> None:
    assert Detection("A", "x", 5, 6).is_kept
    assert not Detection("A", "x", 5, 6.1).is_kept
    assert not Detection("A", "x", 5, 3.9).is_kept
    assert Detection("A", "x", 5, 3.9, background=0.01, expected=4).is_kept
    assert not Detection("A", "x", 5, 5.5, background=0.01, expected=4).is_kept

"""`slo verify` where Prometheus has nothing, or what no selector expects."""

from pathlib import Path

import pytest
from slo.cli import main

from tests.support.answers import answering, vector


def verify(root: Path, url: str) -> int:
    return main(["--root", str(root), "verify", "--prometheus", url, "--environment", "prod"])


def test_selectors_that_pick_nothing_are_wrong(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(vector(), series=[]) as url:
        assert verify(root, url) == 1
    told = capsys.readouterr().out
    assert "no  prod shop" in told
    assert "total[0] has never picked a series" in told
    assert "counts no event now: no target answers its scrape" in told


def test_verify_reports_a_value_that_no_selector_mentions(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {"http_response_status_code": "299", "http_request_method": "GET", "http_route": "/odd"}
    with answering(vector(), series=[odd]) as url:
        assert verify(root, url) == 1
    told = capsys.readouterr().out
    assert "picks 1 kinds of events" in told
    assert '"/odd"' in told


def test_an_answer_that_is_none_is_wrong(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering("<html>") as url:
        assert verify(root, url) == 1
    assert "no  prod: " in capsys.readouterr().out

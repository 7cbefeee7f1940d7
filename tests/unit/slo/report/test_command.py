"""The report against answers that a healthy Prometheus does not give, and its command line."""

from pathlib import Path

import pytest
from slo.cli import main

from tests.support.answers import answering, vector


def report(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), "report", *arguments])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (vector("0.4", warnings=["one store is down"]), "['one store is down']"),
        (vector("0.4", isPartial=True), "['the answer is partial']"),
        (vector("0.4"), "no matrix"),
        ("<html>", "no answer of Prometheus' query API"),
        (vector(), "no matrix"),
    ],
)
def test_a_report_is_not_made_of_a_doubtful_answer(
    root: Path, capsys: pytest.CaptureFixture[str], body: str, reason: str
) -> None:
    with answering(body) as url:
        assert report(root, "--prometheus", url) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("no report: ")
    assert reason in told.err


@pytest.mark.parametrize(
    ("moment", "problem"),
    [
        ("yesterday", "yesterday: must be an ISO 8601 time"),
        ("2026-02-01T12:00", "append Z for UTC"),
    ],
)
def test_a_moment_that_is_not_clear_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], moment: str, problem: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        report(root, "--prometheus", "http://127.0.0.1:1", "--at", moment)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err

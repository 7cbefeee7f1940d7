"""The release gate against answers that a healthy Prometheus does not give."""

from pathlib import Path

import pytest
from slo.cli import main

from tests.support.answers import answering, vector


def gate(root: Path, url: str) -> int:
    return main(["--root", str(root), "gate", "--prometheus", url, "--environment", "prod"])


@pytest.mark.parametrize("body", [vector("0.4"), vector("0.4", isPartial=False)])
def test_the_gate_opens_on_one_finite_number(root: Path, body: str) -> None:
    with answering(body) as url:
        assert gate(root, url) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (vector("0.4", "-3"), "2 series where there must be one"),
        (vector("+Inf"), "inf is no number to judge by"),
        (vector("NaN"), "nan is no number to judge by"),
        (vector("0.4", warnings=["one store is down"]), "['one store is down']"),
        (vector("0.4", infos=["metric might not be a gauge"]), "['metric might not be a gauge']"),
        (vector("0.4", isPartial=True), "['the answer is partial']"),
        (vector("four"), "no answer of Prometheus' query API"),
        ("[]", "no answer of Prometheus' query API"),
        ("<html>", "no answer of Prometheus' query API"),
        ('{"status": "success"}', "no data with status 'success'"),
        ('{"status": "error", "error": "out of memory"}', "out of memory"),
    ],
)
def test_the_gate_stays_shut_on_a_doubtful_answer(
    root: Path, capsys: pytest.CaptureFixture[str], body: str, reason: str
) -> None:
    with answering(body) as url:
        assert gate(root, url) == 1
    told = capsys.readouterr().out
    assert told.startswith("no  prod")
    assert reason in told


def test_the_gate_stays_shut_when_the_address_is_none(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in ("localhost:9090", "http://[", "http://127.0.0.1:99999"):
        assert gate(root, url) == 1, url
        assert capsys.readouterr().out.startswith(f"no  prod: cannot ask {url}")

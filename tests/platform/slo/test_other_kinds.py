"""Kinds of SLO that no service declares yet compile to rules that their tests hold for."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from slo.adoption import load_adoption
from slo.generate import service_files
from slo.matchers import OneOf, Prefix
from slo.model import Slo, Source

from tests.platform.slo.real import ROOT, run, tool


@pytest.mark.timeout(600)
def test_good_events_of_a_counter_over_seven_days(tmp_path: Path) -> None:
    done = {"result": OneOf(("done",))}
    total = {"result": Prefix("un", negated=True)}
    slo = Slo(
        service="jobs",
        name="success",
        title="Success",
        description="Jobs are done.",
        objective=Decimal("0.95"),
        period=timedelta(days=7),
        total=Source("jobs_total", histogram=False, selectors=(total,)),
        good=Source("jobs_total", histogram=False, selectors=(done,)),
        bad=None,
        runbook="runbooks/success.md",
        minimum_bad_events=3,
    )
    for name, text in service_files("jobs", [slo], load_adoption(ROOT)).items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert "SUCCESS" in run(tool("promtool"), "check", "rules", str(tmp_path / "rules.yaml"))
    assert "SUCCESS" in run(tool("promtool"), "test", "rules", "rules.test.yaml", cwd=tmp_path)

"""The AnalysisTemplate of ports: values of its queries, and what comes of them."""

from pathlib import Path

import pytest
from slo import analysis
from slo.declaration import load_service
from slo.rules import Clock

from tests.platform.slo.canary import (
    SCENARIOS,
    Metric,
    Scenario,
    committed,
    verdict,
    wrong_value,
)
from tests.platform.slo.canary_mutants import analysis_mutants
from tests.platform.slo.real import ROOT


@pytest.fixture(scope="module")
def metrics() -> list[Metric]:
    return committed()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_each_traffic_has_its_values_and_its_verdict(
    metrics: list[Metric], scenario: Scenario, tmp_path: Path
) -> None:
    assert wrong_value(metrics, scenario, tmp_path) == ""
    assert verdict(metrics, scenario) == scenario.verdict


def test_a_wrong_value_would_be_noticed(metrics: list[Metric], tmp_path: Path) -> None:
    (good, *_) = SCENARIOS
    other = Scenario(good.name, good.canary, good.stable, good.verdict)
    assert "got:" in wrong_value(metrics, other, tmp_path)


def test_without_the_minimum_of_events_no_traffic_would_promote(metrics: list[Metric]) -> None:
    """The mutant: nothing but this guard tells no traffic from a good version."""
    (idle,) = (each for each in SCENARIOS if each.name == "no traffic")
    guarded = [each for each in metrics if not each["name"].endswith("-events")]
    assert len(guarded) < len(metrics)
    assert verdict(guarded, idle) == "Successful" != idle.verdict


def test_every_change_of_the_template_is_noticed(metrics: list[Metric], tmp_path: Path) -> None:
    survivors = []
    for what, noticed in analysis_mutants(metrics, tmp_path):
        print(f"{what:<62} {noticed or 'SURVIVED'}")
        survivors += [] if noticed else [what]
    assert survivors == []


def test_the_limits_come_from_the_declaration(metrics: list[Metric]) -> None:
    """Worked out by hand: 5 / (14.4 x 0.1 %) = 347.2, 20 / (14.4 x 1 %) = 138.9."""
    conditions = {each["name"]: each["successCondition"] for each in metrics}
    assert conditions == {
        "availability-events": "result[0] >= 348",
        "availability-burn": "result[0] <= 14.4",
        "availability-against-stable": "result[0] <= 1",
        "latency-events": "result[0] >= 139",
        "latency-burn": "result[0] <= 14.4",
        "latency-against-stable": "result[0] <= 1",
    }


def test_probes_judge_no_version() -> None:
    slos = load_service(ROOT / "services/ports/slo.yaml")
    assert [slo.name for slo in analysis.judging(slos)] == ["availability", "latency"]


def test_a_canary_is_measured_for_a_whole_window(metrics: list[Metric]) -> None:
    for metric in metrics:
        assert (metric["initialDelay"], metric["interval"], metric["count"]) == ("1m", "1m", 5)
        # With the last measurement too few events count as no proof, not before.
        early = 4 if metric["name"].endswith("-events") else 0
        assert metric["inconclusiveLimit"] == early


def test_time_can_be_compressed() -> None:
    slos = load_service(ROOT / "services/ports/slo.yaml")
    template = analysis.analysis_template("ports", slos, Clock(1 / 20))
    for metric in template["spec"]["metrics"]:
        assert metric["interval"] == "3s"
        assert "[15s]" in metric["provider"]["prometheus"]["query"]

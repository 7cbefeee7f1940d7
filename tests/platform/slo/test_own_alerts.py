"""The platform's own alerts fire with the labels that targets have in a cluster, and stay quiet."""

from pathlib import Path

import pytest

from tests.platform.slo import collector_cases, component_cases, thanos_cases
from tests.platform.slo.own_alerts import Case, checked, severities

PARTS = (collector_cases, component_cases, thanos_cases)
CASES = [case for part in PARTS for case in part.cases()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_it_fires_and_no_other_does(tmp_path: Path, case: Case) -> None:
    assert "SUCCESS" in checked(tmp_path, case.inputs, case, case.minutes)


@pytest.mark.parametrize("minutes", [40, 900])
def test_all_is_quiet_while_all_is_well(tmp_path: Path, minutes: int) -> None:
    series = {name: course for part in PARTS for name, course in part.quiet().items()}
    assert "SUCCESS" in checked(tmp_path, series, None, minutes)


def test_every_alert_of_the_platform_has_a_case() -> None:
    assert severities().keys() == {case.alert for case in CASES}


def test_an_alert_pages_only_if_slos_are_blind() -> None:
    pages = {name for name, severity in severities().items() if severity == "page"}
    assert pages == {"ThanosDown", "ThanosRulerFails", "ThanosRulerIsSilent"}
    assert set(severities().values()) == {"page", "ticket"}

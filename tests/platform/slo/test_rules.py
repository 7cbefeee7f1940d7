"""The committed rules and their tests, read by the real promtool and amtool."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.platform.slo.parts import parts
from tests.platform.slo.real import PORTS, run, tool

SLOS = 3
# For each SLO: total, bad and ratio over seven windows, nine about the budget, five alerts.
# For the service: two alerts.
RULES = SLOS * (3 * 7 + 9 + 5) + 2
ALERTS = SLOS * 5 + 2
# For each SLO: six tests for each of four burn alerts, twelve about all of them together. For the
# one on probes: an environment without a prober. For the service: ready pods twice, the watchdog.
GENERATED_TESTS = SLOS * (4 * 6 + 12) + 1 + 3


def test_promtool_loads_every_rule() -> None:
    printed = run(
        tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(PORTS / "rules.yaml")
    )
    assert f"SUCCESS: {RULES} rules found" in printed
    assert (PORTS / "rules.yaml").read_text().count("- alert: ") == ALERTS


def test_the_operators_resource_holds_the_same_groups() -> None:
    yaml = YAML(typ="safe")
    resource = yaml.load(PORTS / "prometheusrule.yaml")
    assert resource["spec"] == yaml.load(PORTS / "rules.yaml")


@pytest.mark.timeout(600)
def test_the_generated_tests_pass(tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    rules, tests = (yaml.load(PORTS / name) for name in ("rules.yaml", "rules.test.yaml"))
    by_slo = parts(rules, tests, "ports")
    assert len(by_slo) == SLOS + 1
    assert all(part["tests"] for _, part in by_slo.values())
    assert sum(len(part["tests"]) for _, part in by_slo.values()) == GENERATED_TESTS
    for slo, (own_rules, own_tests) in by_slo.items():
        folder = tmp_path / slo
        folder.mkdir()
        (folder / "rules.yaml").write_text(json.dumps(own_rules))
        (folder / "rules.test.yaml").write_text(json.dumps(own_tests))
        printed = run(tool("promtool"), "test", "rules", "rules.test.yaml", cwd=folder)
        assert "SUCCESS" in printed


def test_every_alert_has_generated_tests() -> None:
    tests = (PORTS / "rules.test.yaml").read_text()
    alerts = re.findall(r"- alert: (\w+)", (PORTS / "rules.yaml").read_text())
    assert all(f"alertname: {alert}\n" in tests for alert in alerts)

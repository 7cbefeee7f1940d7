"""Every alert of a service can fire with the labels that targets have in a cluster.

The rules are those that the Prometheus operator makes of the generated ones, the series those
that the rendered ServiceMonitor and kube-state-metrics give.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from slo.alerts import watchdog_name
from stack import values

from tests.platform.slo import enforced
from tests.platform.slo.parts import parts
from tests.platform.slo.real import run, tool

NAMESPACE = "ports-prod"
PORTS = values.GENERATED / "ports"
# One test of each alert in which it fires.
FIRING = "just above its threshold|a target that vanished|no ready pod pages"


def loaded(name: str) -> dict[str, Any]:
    """Read a generated file: by C, for it is long."""
    found: dict[str, Any] = YAML(typ="safe").load(PORTS / name)
    return found


def promtool(folder: Path, namespace: str, tests: dict[str, Any], *options: str) -> None:
    """Test the rules of one namespace, SLO by SLO."""
    rules = enforced.rules(loaded("rules.yaml"), namespace)
    for own_rules, own_tests in parts(rules, tests, "ports").values():
        if own_tests["tests"]:
            (folder / "rules.yaml").write_text(json.dumps(own_rules))
            (folder / "rules.test.yaml").write_text(json.dumps(own_tests))
            command = (tool("promtool"), "test", "rules", *options, "rules.test.yaml")
            assert "SUCCESS" in run(*command, cwd=folder)


@pytest.mark.timeout(600)
def test_every_alert_fires_with_the_labels_of_a_cluster(tmp_path: Path) -> None:
    given = enforced.tests(loaded("rules.test.yaml"), "ports", NAMESPACE)
    promtool(tmp_path, NAMESPACE, given, "--run", FIRING)
    alerts = {
        rule["alert"]
        for group in loaded("rules.yaml")["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    named = {test["name"].split(":")[0] for test in given["tests"]}
    assert alerts - named == {watchdog_name("ports")}, "which is tested below"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_each_environments_watchdog_says_which_it_is(tmp_path: Path, environment: str) -> None:
    tests = enforced.watchdog_tests(loaded("rules.yaml"), "ports", environment)
    promtool(tmp_path, f"ports-{environment}", tests)

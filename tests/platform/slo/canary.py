"""Traffic of two versions of ports, and what the generated AnalysisTemplate must make of it.

The values and the verdicts are written by hand. promtool evaluates the queries; this module repeats
how Argo Rollouts judges a value, which `make e2e-rollouts` leaves to the real controller.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tests.platform.slo.real import PORTS, tool

MINUTES: Final = 5
ARGUMENTS: Final = {"environment": "prod", "canary-hash": "new", "stable-hash": "old"}

Metric = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """Requests a minute of one version: all, those that fail, those that take too long."""

    requests: float
    failed: float = 0
    slow: float = 0
    # Series of requests exist; `up` is 1.
    counting: bool = True
    up: bool = True

    def series(self, version: str) -> list[dict[str, str]]:
        """Make its series, a sample a minute, in promtool's form."""
        target = {"service_name": "ports", "deployment_environment_name": "prod"}
        target["rollouts_pod_template_hash"] = version
        name, route = "http_server_request_duration_seconds", {"http_route": "/ports"}
        good, bad = (route | {"http_response_status_code": code} for code in ("200", "500"))
        fine = self.requests - self.failed
        counted = [
            (f"{name}_count", good, fine),
            (f"{name}_count", bad, self.failed),
            (f"{name}_bucket", good | {"le": "0.1"}, fine - self.slow),
        ]
        found = [
            {"series": _selector(metric, target | labels), "values": f"0+{each}x{MINUTES}"}
            for metric, labels, each in counted
            if self.counting
        ]
        up = {"series": _selector("up", target), "values": f"1x{MINUTES}"}
        return [*found, *([up] if self.up else [])]


def _selector(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"


ABSENT: Final = Version(0, counting=False, up=False)


@dataclass(frozen=True)
class Scenario:
    """Five minutes of traffic; the value of each metric that is not 0, and the verdict."""

    name: str
    canary: Version
    stable: Version
    verdict: str
    values: Mapping[str, float] = field(default_factory=dict)
    missing: bool = False


STABLE: Final = Version(400)
# 348 events are the minimum for 99.9 % and 5 bad events, 139 for 99 % and 20 slow ones.
SCENARIOS: Final = (
    Scenario("good", Version(100), STABLE, "Successful",
             {"availability-events": 500, "latency-events": 500}),
    Scenario("an error burst", Version(100, failed=10), STABLE, "Failed",
             {"availability-events": 500, "latency-events": 450,
              "availability-burn": 100, "availability-against-stable": 10}),
    Scenario("a latency burst", Version(100, slow=50), STABLE, "Failed",
             {"availability-events": 500, "latency-events": 500,
              "latency-burn": 50, "latency-against-stable": 12.5}),
    # 10 bad events of 500 burn 20 times too fast; the stable version has as many.
    Scenario("errors of both versions", Version(100, failed=2), Version(400, failed=8), "Failed",
             {"availability-events": 500, "latency-events": 490, "availability-burn": 20}),
    # Below the burn of a page, and 5 bad events more than the stable version are no failure yet.
    Scenario("a bad event a minute", Version(100, failed=1), STABLE, "Successful",
             {"availability-events": 500, "latency-events": 495, "availability-burn": 10,
              "availability-against-stable": 1}),
    # The same ratio of twice as many events is one.
    Scenario("worse than the stable version", Version(200, failed=2), STABLE, "Failed",
             {"availability-events": 1000, "latency-events": 990, "availability-burn": 10,
              "availability-against-stable": 2}),
    Scenario("no traffic", Version(0), STABLE, "Inconclusive"),
    Scenario("no series before the first event", Version(0, counting=False), STABLE,
             "Inconclusive"),
    Scenario("few events", Version(20), STABLE, "Inconclusive",
             {"availability-events": 100, "latency-events": 100}),
    Scenario("enough events for one SLO alone", Version(40), STABLE, "Inconclusive",
             {"availability-events": 200, "latency-events": 200}),
    Scenario("few events, all of them bad", Version(43.5, failed=43.5), STABLE, "Failed",
             {"availability-events": 217.5, "availability-burn": 625,
              "availability-against-stable": 43.5}),
    Scenario("no stable version", Version(100, failed=1.5), ABSENT, "Failed",
             {"availability-events": 500, "latency-events": 492.5, "availability-burn": 15,
              "availability-against-stable": 1.5}),
    Scenario("a canary that nobody scrapes", ABSENT, STABLE, "Error", missing=True),
)  # fmt: skip


def committed() -> list[Metric]:
    """Return the metrics of the committed AnalysisTemplate."""
    template = YAML(typ="safe").load(PORTS / "analysistemplate.yaml")
    found: list[Metric] = template["spec"]["metrics"]
    return found


def wrong_value(metrics: list[Metric], scenario: Scenario, folder: Path) -> str:
    """Return promtool's words about values that are not those of the scenario; empty if none."""
    asked = [
        {
            "expr": query(metric),
            "eval_time": f"{MINUTES}m",
            "exp_samples": []
            if scenario.missing
            else [{"labels": LABELS, "value": scenario.values.get(metric["name"], 0)}],
        }
        for metric in metrics
    ]
    series = [*scenario.canary.series("new"), *scenario.stable.series("old")]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    file = folder / "analysis.test.yaml"
    file.write_text(json.dumps({"tests": [test], "fuzzy_compare": True}))
    command = [tool("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


LABELS: Final = '{service_name="ports", deployment_environment_name="prod"}'


def query(metric: Metric, arguments: Mapping[str, str] = ARGUMENTS) -> str:
    """Return a metric's query as the controller asks it."""
    found: str = metric["provider"]["prometheus"]["query"]
    for name, value in arguments.items():
        found = found.replace(f"{{{{args.{name}}}}}", value)
    return found


def verdict(metrics: list[Metric], scenario: Scenario) -> str:
    """Judge a scenario's values, each seen at every measurement: the worst phase of all metrics."""
    if scenario.missing:
        return "Error"
    phases = [_phase(each, scenario.values.get(each["name"], 0)) for each in metrics]
    return min(phases, key=("Failed", "Inconclusive", "Successful").index)


def _phase(metric: Metric, value: float) -> str:
    if _holds(metric["failureCondition"], value):
        return "Failed"
    # Every measurement says the same, so that the limits do not matter.
    return "Successful" if _holds(metric["successCondition"], value) else "Inconclusive"


def _holds(condition: str, value: float) -> bool:
    if condition == "false":
        return False
    result, operator, bound = condition.split()
    assert result == "result[0]"
    holds = {">": value > float(bound), ">=": value >= float(bound), "<=": value <= float(bound)}
    return holds[operator]

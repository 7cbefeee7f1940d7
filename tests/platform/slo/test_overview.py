"""The overview's queries, evaluated by the real promtool."""

import json
from pathlib import Path

from slo.series import REMAINING

from tests.platform.slo.real import ROOT, run, tool

OVERVIEW = ROOT / "platform/generated/platform/dashboards/overview.json"
LABELS = 'service_name="ports", deployment_environment_name="prod"'


def test_targets_up_is_zero_where_none_answers_and_nothing_is_counted(tmp_path: Path) -> None:
    panels = json.loads(OVERVIEW.read_text())["panels"]
    table = next(panel for panel in panels if panel["type"] == "table")
    (query,) = (each["expr"] for each in table["targets"] if each["refId"] == "Targets up")
    query = query.replace("$service", "ports").replace("$environment", "prod")
    key = f'{{{LABELS}, slo="latency"}}'
    expected = {"eval_time": "1m", "exp_samples": [{"labels": key, "value": 0}], "expr": query}
    series = [
        {"series": f"up{{{LABELS}}}", "values": "0 0"},
        {"series": REMAINING + key, "values": "0.4 0.4"},
    ]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [expected]}]
    file = tmp_path / "overview.test.yaml"
    file.write_text(json.dumps({"tests": tests}))
    assert "SUCCESS" in run(tool("promtool"), "test", "rules", str(file))

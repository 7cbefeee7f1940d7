"""Cases of the platform's own alerts: series as targets have them in a cluster, and what fires."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stack import values

from tests.platform.slo.real import run, tool

RULES: Final = values.GENERATED / "platform" / "rules.yaml"
# Minutes of each series: more than any alert looks back.
LASTS: Final = 1600

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """Something that is wrong.

    Attributes:
        alert: The alert that fires, and no other.
        inputs: Values of series, by name and labels.
        labels: Labels of the alert's series, beside its name and severity.
        minutes: When the alert fires at the latest.
    """

    alert: str
    inputs: Mapping[str, str]
    labels: Labels
    minutes: int = 40


def stays(value: float) -> str:
    """Return a value that does not change."""
    return f"{value}x{LASTS}"


def grows(step: float = 1) -> str:
    """Return a counter that grows every minute."""
    return f"0+{step}x{LASTS}"


def observes(count: float) -> str:
    """Return a native histogram with as many observations more every minute."""
    one = f"{{{{schema:0 sum:{count} count:{count} buckets:[{count}]}}}}"
    return f"{one}+{one}x{LASTS}"


def target(job: str, **labels: str) -> dict[str, str]:
    """Return the labels of a target in a cluster, and further ones of its series."""
    own = {"job": job, "namespace": "observability", "pod": f"{job.rsplit('/', maxsplit=1)[-1]}-0"}
    return {**own, "instance": "10.0.0.2:8888", "endpoint": "metrics", **labels}


def named(metric: str, labels: Labels) -> str:
    """Write a series as PromQL does."""
    return f"{metric}{{{', '.join(f'{name}={json.dumps(text)}' for name, text in labels.items())}}}"


def severities() -> dict[str, str]:
    """Return every alert of the platform, and its severity."""
    groups = values.pipeline_rules()["groups"]
    return {
        rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"]
    }


def checked(folder: Path, inputs: Mapping[str, str], expected: Case | None, minutes: int) -> str:
    """Let promtool say whether exactly one alert fires at a moment, or none.

    Raises:
        subprocess.CalledProcessError: Another one fires, or it does not.
    """
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in inputs.items()],
        "promql_expr_test": list(_asked(expected, minutes)),
    }
    file = folder / "rules.test.yaml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [test]}))
    return run(tool("promtool"), "test", "rules", str(file))


def _asked(expected: Case | None, minutes: int) -> Iterator[dict[str, Any]]:
    for alert, severity in severities().items():
        samples = []
        if expected and alert == expected.alert:
            told = {"alertname": alert, "alertstate": "firing", "severity": severity}
            samples = [{"value": 1, "labels": named("ALERTS", {**expected.labels, **told})}]
        query = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
        yield {"expr": query, "eval_time": f"{minutes}m", "exp_samples": samples}

"""Receivers of each alert of the platform: from the real amtool, kept in `routes.txt`.

`python -m tests.platform.slo.routing` writes the table again; review the diff.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack import values

from tests.platform.charts import facts
from tests.platform.slo.alertmanager import Labels, write_config
from tests.platform.slo.real import run, tool

FILE = Path(__file__).with_name("routes.txt")


@dataclass(frozen=True, order=True)
class Alert:
    """An alert with one of its severities, and who ships it."""

    owner: str
    name: str
    severity: str
    labels: tuple[tuple[str, str], ...] = ()


def alerts() -> list[Alert]:
    """Return every alert: each service's, the pipeline's, and those of kube-prometheus-stack."""
    return sorted({*_generated(), *_of_the_chart()})


def _generated() -> Iterator[Alert]:
    for file in values.GENERATED.glob("*/rules.yaml"):
        for group in values.read(file)["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    labels = tuple(sorted(rule["labels"].items()))
                    severity = rule["labels"]["severity"]
                    yield Alert(file.parent.name, rule["alert"], severity, labels)


def _of_the_chart() -> Iterator[Alert]:
    for name, severities in facts.read()["alerts"].items():
        for severity in severities:
            yield Alert("kube-prometheus-stack", name, severity, (("severity", severity),))


def receivers(config: Path, labels: Labels) -> str:
    """Ask amtool which receivers get an alert with these labels."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    command = ("config", "routes", "test", f"--config.file={config}", *pairs)
    return run(tool("amtool"), *command).strip()


def table() -> list[tuple[Alert, str]]:
    """Return every alert and its receiver."""
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(Path(folder))
        return [
            (alert, receivers(config, {"alertname": alert.name, **dict(alert.labels)}))
            for alert in alerts()
        ]


def written(rows: list[tuple[Alert, str]]) -> str:
    """Return the text of the file."""
    lines = [f"{a.owner:<22} {a.name:<48} {a.severity:<9} {receiver}" for a, receiver in rows]
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Write the file."""
    FILE.write_text(written(table()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

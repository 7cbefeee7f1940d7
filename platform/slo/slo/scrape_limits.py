"""Limits of a scrape, as the service chart's monitor sets them, against a service's contract.

Prometheus refuses a scrape above a limit as a whole: no SLO of the service would have data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from telemetry import names

from slo import probes
from slo.cardinality import most_labels, most_series
from slo.contract import Contract
from slo.source import Problem

CHART: Final = Path("platform/chart/values.yaml")
MONITOR: Final = "serviceMonitor"
SAMPLES, LABELS, NAME, VALUE = KEYS = (
    "sampleLimit",
    "labelLimit",
    "labelNameLengthLimit",
    "labelValueLengthLimit",
)

# Labels that Prometheus and its operator add to each series of a target, and Argo Rollouts' hash.
TARGET_LABELS: Final = (
    *("job", "instance", "namespace", "service", "pod", "container", "endpoint"),
    *(names.SERVICE_NAME, names.ENVIRONMENT, "rollouts_pod_template_hash"),
)
# Names of pods, hosts and namespaces have up to 253 characters, and an address has a port.
LONGEST_VALUE: Final = 253


@dataclass(frozen=True)
class Limits:
    """Limits of a scrape, each with the file that sets it."""

    values: dict[str, tuple[int, Path]]

    def __getitem__(self, key: str) -> int:
        """Return a limit by its key in the chart's values."""
        return self.values[key][0]


def read(root: Path, service: str) -> list[Limits]:
    """Return the limits of a service: those of all environments, and each environment's.

    Args:
        root: The repository.
        service: Its folder under `services/`.
    """
    common: dict[str, tuple[int, Path]] = {}
    for file in (root / CHART, probes.values_file(root / "services" / service)):
        common |= _set_in(file)
    own = sorted(probes.environment_files(root, service))
    return [Limits(common), *(Limits(common | found) for file in own if (found := _set_in(file)))]


def too_low(root: Path, service: str) -> Iterator[Problem]:
    """Yield each limit below what the contract of a service allows one pod to expose."""
    contract = Contract(root / "services" / service)
    need = {
        SAMPLES: (sum(most_series(contract).values()), "series per pod"),
        LABELS: (most_labels(contract) + len(TARGET_LABELS), "labels per series"),
        NAME: (max(map(len, _label_names(contract))), "characters in a label's name"),
        VALUE: (max(LONGEST_VALUE, *map(len, _values(contract))), "characters in a label's value"),
    }
    told = set()
    for limits in read(root, service):
        for key, (most, what) in need.items():
            if key not in limits.values:
                continue  # Prometheus then has no limit
            limit, file = limits.values[key]
            if limit < most and (key, file) not in told:
                told.add((key, file))
                message = f"{limit} is less than {most} {what}, which the contract allows"
                where = file if file != root / CHART else probes.values_file(contract.home)
                text = f"{message}: set {MONITOR}.{key} to {most} or more"
                yield Problem(where, 1, f"{MONITOR}.{key}", text)


def _label_names(contract: Contract) -> Iterator[str]:
    yield from TARGET_LABELS
    for metric in contract.metrics.values():
        yield from metric.labels


def _values(contract: Contract) -> Iterator[str]:
    yield from contract.metrics
    for metric in contract.metrics.values():
        for values in contract.family(metric).values.values():
            yield from values or ()


def _set_in(file: Path) -> dict[str, tuple[int, Path]]:
    if not file.is_file():
        return {}
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(file.read_text("utf-8")) or {}
    monitor = values.get(MONITOR) or {}
    return {key: (int(monitor[key]), file) for key in KEYS if key in monitor}

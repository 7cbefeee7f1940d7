"""Probes from outside: what a service's prober asks for, where one runs, and what it counts.

A prober that counts is read like a service that counts: no probe between two scrapes is lost.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from slo.contract import Family

TOTAL: Final = "cloudprober_total"
SUCCESS: Final = "cloudprober_success"
COUNTERS: Final = (TOTAL, SUCCESS)

PROBE: Final = "probe"
_TYPE: Final = "ptype"
_TARGET: Final = "dst"

_VALUES: Final = "values.yaml"
_ENVIRONMENTS: Final = Path("platform/argocd/environments")


def family(routes: Iterable[str]) -> Family:
    """Tell what a prober counts of a service; a probe has the name of the route that it asks for.

    Every probe counts from its start: without its series the prober is gone.
    """
    named = tuple(routes)
    return Family(
        "cloudprober",
        histogram=False,
        values={_TYPE: ("http",), PROBE: named, _TARGET: None},
        initial=tuple({_TYPE: "http", PROBE: route} for route in named),
        outside=True,
    )


def values_file(home: Path) -> Path:
    """Name the file in which the service in the folder `home` says what its prober asks for."""
    return home / _VALUES


def asked(home: Path) -> tuple[str, ...]:
    """List the routes that the prober of the service in the folder `home` asks for."""
    return tuple(_prober(values_file(home)).get("probes", {}))


def environment_file(root: Path, service: str, environment: str) -> Path:
    """Name the file in which an environment of a repository switches a service's prober on."""
    return root / _ENVIRONMENTS / environment / f"{service}.yaml"


def environment_files(root: Path, service: str) -> Iterable[Path]:
    """Name the files of a service in all environments of a repository."""
    return (root / _ENVIRONMENTS).glob(f"*/{service}.yaml")


def runs(root: Path, service: str, environment: str) -> bool:
    """Tell whether an environment of a repository has a prober of a service."""
    return bool(_prober(environment_file(root, service, environment)).get("enabled"))


def _prober(file: Path) -> Mapping[str, Any]:
    """Read the chart's values of a prober; none where there is no such file."""
    if not file.is_file():
        return {}
    values = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    return values.get("prober") or {}

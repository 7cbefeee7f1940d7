"""Room of the platform's components: memory and disk that the umbrella charts give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from stack import values

_UNITS: Final = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_DURATION: Final = {"h": "hours", "d": "days"}
# The default of the chart, because our values set none; `make charts` compares the two.
LOKI_DISK: Final = "10Gi"


@dataclass(frozen=True)
class Room:
    """Room of one component, in bytes, and how long the component keeps its data."""

    memory: int
    disk: int
    retention: timedelta


def single() -> Mapping[str, Room]:
    """Return the room of each component with one replica, as the umbrella charts set it."""
    prometheus = values.prometheus()["prometheus"]["prometheusSpec"]
    jaeger = values.chart("jaeger")["jaeger"]
    loki = values.chart("loki")["loki"]
    gateway = values.chart("otel-collector")["gateway"]
    agent = values.chart("otel-collector")["agent"]
    (volume,) = jaeger["jaeger"]["extraVolumes"]
    (claim,) = gateway["statefulset"]["volumeClaimTemplates"]
    badger = jaeger["userconfig"]["extensions"]["jaeger_storage"]["backends"]["badger"]["badger"]
    kept = loki["loki"]["structuredConfig"]["limits_config"]["retention_period"]
    none = timedelta(0)
    return {
        "prometheus": Room(
            _memory(prometheus), size(prometheus["retentionSize"]), span(prometheus["retention"])
        ),
        "jaeger": Room(
            _memory(jaeger["jaeger"]),
            size(volume["emptyDir"]["sizeLimit"]),
            span(badger["ttl"]["spans"]),
        ),
        "loki": Room(_memory(loki["singleBinary"]), size(LOKI_DISK), span(kept)),
        "gateway": Room(
            _memory(gateway), size(claim["spec"]["resources"]["requests"]["storage"]), none
        ),
        "agent": Room(_memory(agent), 0, none),
    }


def _memory(component: Mapping[str, Any]) -> int:
    return size(component["resources"]["limits"]["memory"])


def size(text: str) -> int:
    """Return the bytes of a quantity: `2Gi` as in Kubernetes, `17GB` as in Prometheus.

    Raises:
        ValueError: The text is no such quantity.
    """
    # Prometheus counts GB in powers of 1024.
    found = re.fullmatch(r"(\d+)([kKMGT]?i?)(B?)", text)
    if not found or (unit := found[2] + ("i" if found[3] else "")) not in _UNITS:
        raise ValueError(f"{text}: must be a number of bytes with a unit, for example 2Gi or 17GB")
    return int(found[1]) * _UNITS[unit]


def span(text: str) -> timedelta:
    """Return the duration of a text such as `35d` or `72h`.

    Raises:
        ValueError: The text is no such duration.
    """
    found = re.fullmatch(r"(\d+)([hd])", text)
    if not found:
        raise ValueError(f"{text}: must be a number of hours or days, for example 72h or 35d")
    return timedelta(**{_DURATION[found[2]]: int(found[1])})

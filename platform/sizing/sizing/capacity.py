"""Room of the platform's components: memory and disk that each profile gives them."""

import math
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
UNBOUNDED: Final = math.inf
"""Disk of object storage, and of OpenSearch, which this platform does not run."""
_NONE: Final = timedelta(0)


@dataclass(frozen=True)
class Room:
    """Room of each replica of a component, in bytes, and how long the component keeps data."""

    memory: float
    disk: float
    retention: timedelta
    replicas: int = 1


def single() -> Mapping[str, Room]:
    """Return the room of each component with one replica, as the umbrella charts set it."""
    jaeger = values.chart("jaeger")["jaeger"]
    loki = values.chart("loki")["loki"]
    (volume,) = jaeger["jaeger"]["extraVolumes"]
    badger = jaeger["userconfig"]["extensions"]["jaeger_storage"]["backends"]["badger"]["badger"]
    return {
        "prometheus": _prometheus("single"),
        "jaeger": Room(
            _memory(jaeger["jaeger"]),
            size(volume["emptyDir"]["sizeLimit"]),
            span(badger["ttl"]["spans"]),
        ),
        "loki": Room(_memory(loki["singleBinary"]), size(LOKI_DISK), _logs_kept(loki)),
        **_collectors("single"),
    }


def scaled() -> Mapping[str, Room]:
    """Return the room of each replica in the profile `scaled`.

    `metrics` and `logs` are the objects of Thanos and of Loki.
    """
    jaeger = values.of_profile("jaeger", "scaled")["jaeger"]
    loki = values.of_profile("loki", "scaled")["loki"]
    ingester = loki["ingester"]
    return {
        "prometheus": _prometheus("scaled"),
        "metrics": Room(UNBOUNDED, UNBOUNDED, _raw_kept()),
        "jaeger": Room(
            _memory(jaeger["jaeger"]),
            UNBOUNDED,
            timedelta(days=jaeger["esIndexCleaner"]["numberOfDays"]),
            jaeger["jaeger"]["replicas"],
        ),
        "loki": Room(_memory(ingester), size(LOKI_DISK), _NONE, ingester["replicas"]),
        "logs": Room(UNBOUNDED, UNBOUNDED, _logs_kept(loki)),
        **_collectors("scaled"),
    }


def _prometheus(profile: str) -> Room:
    spec = values.prometheus(profile)["prometheus"]["prometheusSpec"]
    return Room(
        _memory(spec),
        size(spec["retentionSize"]),
        span(spec["retention"]),
        spec.get("replicas", 1),
    )


def _raw_kept() -> timedelta:
    """Return how long Thanos keeps samples as they were scraped."""
    option = "--retention.resolution-raw="
    arguments: list[str] = values.chart("thanos")["thanos"]["compact"]["extraArgs"]
    (kept,) = (each.removeprefix(option) for each in arguments if each.startswith(option))
    return span(kept)


def _logs_kept(loki: Mapping[str, Any]) -> timedelta:
    return span(loki["loki"]["structuredConfig"]["limits_config"]["retention_period"])


def _collectors(profile: str) -> Mapping[str, Room]:
    collectors = values.of_profile("otel-collector", profile)
    gateway = collectors["gateway"]
    (claim,) = gateway["statefulset"]["volumeClaimTemplates"]
    return {
        "gateway": Room(
            _memory(gateway),
            size(claim["spec"]["resources"]["requests"]["storage"]),
            _NONE,
            gateway.get("autoscaling", {}).get("minReplicas", 1),
        ),
        "agent": Room(_memory(collectors["agent"]), 0, _NONE),
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

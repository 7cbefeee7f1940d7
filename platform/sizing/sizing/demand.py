"""Series, rates, memory and disk that a number of services needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from stack import values

from sizing import figures
from sizing.capacity import Room

_LOKI_SECONDS: Final = 2 * 3600  # Loki's default `max_chunk_age`
_BLOCKS: Final = 10  # Prometheus merges blocks up to a tenth of the retention


@dataclass(frozen=True)
class Load:
    """Services and their telemetry.

    Attributes:
        services: Number of services.
        replicas: Pods of each service.
        series: Series of each pod.
        requests: Requests per second and service, on average.
        spans: Spans per request.
        log_bytes: Bytes of log lines per request.
        nodes: Nodes of the cluster; each has an agent.
        other: Series of other targets: nodes, kubelets, kube-state-metrics, other software.
    """

    services: int
    replicas: int
    series: int
    requests: float
    spans: float
    log_bytes: float
    nodes: int = 3
    other: int = 0

    @property
    def pods(self) -> int:
        """Number of pods."""
        return self.services * self.replicas

    @property
    def total_series(self) -> int:
        """Series of all pods, with those that rules and the platform itself add."""
        rules = self.services * figures.RULES_SERIES.value
        own = self.pods * self.series + rules + figures.PLATFORM_SERIES.value
        return round(own) + self.other

    @property
    def samples_per_second(self) -> float:
        """Samples that Prometheus stores per second."""
        return self.total_series / scrape_seconds()

    @property
    def requests_per_second(self) -> float:
        """Requests of all services."""
        return self.services * self.requests

    @property
    def spans_per_second(self) -> float:
        """Spans of all services, before any sampling."""
        return self.requests_per_second * self.spans

    @property
    def log_bytes_per_second(self) -> float:
        """Bytes of log lines of all services."""
        return self.requests_per_second * self.log_bytes


@dataclass(frozen=True)
class Need:
    """Resident memory and disk that one component needs, in bytes.

    Attributes:
        memory: Resident memory.
        disk: Bytes on disk, for the time that the component keeps its data.
        is_measured: Whether the memory was measured at a rate as high as asked for.
    """

    memory: float
    disk: float
    is_measured: bool = True


def scrape_seconds() -> float:
    """Return the interval of scrapes, from the values of the umbrella chart."""
    text: str = values.prometheus()["prometheus"]["prometheusSpec"]["scrapeInterval"]
    return float(text.removesuffix("s"))


def prometheus_memory(series: float) -> float:
    """Return the resident memory of a Prometheus with so many series in its head, in bytes."""
    return figures.PROMETHEUS_MEMORY.value + series * figures.SERIES_MEMORY.value


def prometheus_disk(series: float, samples_per_second: float, kept: timedelta) -> float:
    """Return the bytes of blocks and write-ahead log of a Prometheus."""
    seconds = kept.total_seconds()
    blocks = samples_per_second * seconds * figures.SAMPLE_DISK.value
    index = series * figures.INDEX_DISK.value * _BLOCKS
    log = samples_per_second * figures.WAL_HOURS * 3600 * figures.SAMPLE_WAL.value
    return blocks + index + log


def needs(load: Load, rooms: Mapping[str, Room]) -> dict[str, Need]:
    """Return the need of each replica of each component, for the time that it keeps its data.

    Args:
        load: What the services send.
        rooms: Of each component of a profile: replicas and retention count.
    """
    found = {name: _NEEDS[name](load, room) for name, room in rooms.items() if name in _NEEDS}
    if "metrics" in rooms:
        found |= _scaled(load, rooms)
    return {name: found[name] for name in rooms}


def _prometheus(load: Load, room: Room) -> Need:
    series, samples = load.total_series, load.samples_per_second
    return Need(prometheus_memory(series), prometheus_disk(series, samples, room.retention))


def _jaeger(load: Load, room: Room) -> Need:
    stored = load.spans_per_second * room.retention.total_seconds() * figures.SPAN_DISK.value
    return Need(figures.JAEGER_MEMORY.value, stored, _is_measured(load, 1))


def _loki(load: Load, room: Room) -> Need:
    stored = load.log_bytes_per_second * room.retention.total_seconds() * figures.LOG_DISK.value
    return Need(figures.LOKI_MEMORY.value, stored, _is_measured(load, 1))


def _gateway(load: Load, room: Room) -> Need:
    return Need(figures.GATEWAY_MEMORY.value, 0, _is_measured(load, room.replicas))


def _agent(load: Load, _room: Room) -> Need:
    return Need(figures.AGENT_MEMORY.value, 0, _is_measured(load, load.nodes))


_NEEDS: Final = {
    "prometheus": _prometheus,
    "jaeger": _jaeger,
    "loki": _loki,
    "gateway": _gateway,
    "agent": _agent,
}


def _scaled(load: Load, rooms: Mapping[str, Room]) -> dict[str, Need]:
    """Return the needs that are others where objects, and an OpenSearch, keep the data.

    Each Prometheus uploads its own blocks. Equal chunks of several ingesters are one object.
    Ingesters keep lines for at most two hours, in the write-ahead log as they came.
    """
    blocks = load.samples_per_second * figures.SAMPLE_DISK.value
    lines = load.log_bytes_per_second
    return {
        "metrics": Need(
            0,
            rooms["prometheus"].replicas * blocks * rooms["metrics"].retention.total_seconds(),
        ),
        # Jaeger without Badger was not measured, for want of an OpenSearch.
        "jaeger": Need(figures.JAEGER_MEMORY.value, 0, is_measured=False),
        "loki": Need(figures.LOKI_PART_MEMORY.value, lines * _LOKI_SECONDS, _is_measured(load, 1)),
        "logs": Need(0, _loki(load, rooms["logs"]).disk),
    }


def _is_measured(load: Load, replicas: int) -> bool:
    """Tell whether the share of one replica is at most the rate of the measurements."""
    return load.spans_per_second <= replicas * figures.MEASURED_SPANS.value

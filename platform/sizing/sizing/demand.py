"""Series, rates, memory and disk that a number of services needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from stack import values

from sizing import figures
from sizing.capacity import Room

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
    """Return the need of each component, for the time that the component keeps its data.

    Args:
        load: What the services send.
        rooms: Of each component; the retention counts.
    """
    spans, lines = load.spans_per_second, load.log_bytes_per_second
    series, samples = load.total_series, load.samples_per_second

    def kept(name: str) -> float:
        return rooms[name].retention.total_seconds()

    is_measured = spans <= figures.MEASURED_SPANS.value
    return {
        "prometheus": Need(
            prometheus_memory(series),
            prometheus_disk(series, samples, rooms["prometheus"].retention),
        ),
        "jaeger": Need(
            figures.JAEGER_MEMORY.value,
            spans * kept("jaeger") * figures.SPAN_DISK.value,
            is_measured,
        ),
        "loki": Need(
            figures.LOKI_MEMORY.value,
            lines * kept("loki") * figures.LOG_DISK.value,
            is_measured,
        ),
        "gateway": Need(figures.GATEWAY_MEMORY.value, 0, is_measured),
        "agent": Need(
            figures.AGENT_MEMORY.value, 0, spans <= load.nodes * figures.MEASURED_SPANS.value
        ),
    }

"""Figures that were measured: docs/sizing.md has the machine, the date and the commands."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Figure:
    """A measured figure.

    Attributes:
        value: The number.
        unit: Its unit.
        meaning: What was measured.
    """

    value: float
    unit: str
    meaning: str


WAL_HOURS: Final = 3
"""Hours of samples in the write-ahead log: Prometheus cuts it when the head has three hours."""

POD_SERIES: Final = Figure(788, "series", "series of a pod of `ports` before its first request")
PROMETHEUS_MEMORY: Final = Figure(115.6e6, "B", "resident memory of Prometheus without series")
SERIES_MEMORY: Final = Figure(2834, "B", "resident memory of Prometheus, per series")
SAMPLE_DISK: Final = Figure(0.7, "B", "samples in a block of Prometheus, per sample")
INDEX_DISK: Final = Figure(125, "B", "index of a block of Prometheus, per series")
SAMPLE_WAL: Final = Figure(4.8, "B", "write-ahead log of Prometheus, per sample")
RULES_SERIES: Final = Figure(90, "series", "recording rules of a service with three SLOs")
PLATFORM_SERIES: Final = Figure(2400, "series", "series of the platform's own components")
REQUEST_SPANS: Final = Figure(3, "spans", "spans of a request for one port")
REQUEST_LOG: Final = Figure(
    472, "B", "log lines of a request for one port, as the kubelet keeps them"
)
SPAN_DISK: Final = Figure(670, "B", "disk of Jaeger with Badger, per span")
LOG_DISK: Final = Figure(0.16, "B", "chunks and index of Loki, per byte of log lines")
JAEGER_MEMORY: Final = Figure(287e6, "B", "largest resident memory of Jaeger")
LOKI_MEMORY: Final = Figure(174e6, "B", "largest resident memory of Loki")
LOKI_PART_MEMORY: Final = Figure(
    150e6, "B", "largest resident memory of one process of Loki in the profile `scaled`"
)
GATEWAY_MEMORY: Final = Figure(79e6, "B", "largest resident memory of the gateway")
AGENT_MEMORY: Final = Figure(82e6, "B", "largest resident memory of the agent")
MEASURED_SPANS: Final = Figure(708, "spans/s", "rate at which memory of these five was measured")

FIGURES: Final = {
    name: value for name, value in list(globals().items()) if isinstance(value, Figure)
}
"""All figures by name."""

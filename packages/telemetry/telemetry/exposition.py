"""The text of /metrics, for the service's port and for METRICS_PORT."""

import platform
import struct
import time
from typing import TYPE_CHECKING, Final

from telemetry import multiprocess, names, shared
from telemetry.memoize import memoize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry, Metric

# A busy machine may stop a worker that starts for so long between two of its instructions.
_PATIENCE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.01

_identity = ("unknown", "unknown")


class _Process:
    """Metrics that are no process's own: they are right in one-process and multiprocess mode."""

    def collect(self) -> "Iterator[Metric]":
        """Yield build info, draining and worker timeouts."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        declared = names.METRICS
        service, version = _identity
        build = GaugeMetricFamily(
            names.BUILD_INFO,
            declared[names.BUILD_INFO].meaning,
            labels=declared[names.BUILD_INFO].labels,
        )
        build.add_metric((service, version, platform.python_version()), 1.0)
        yield build
        yield GaugeMetricFamily(
            names.DRAINING, declared[names.DRAINING].meaning, value=float(shared.is_draining())
        )
        yield CounterMetricFamily(
            names.WORKER_TIMEOUTS,
            declared[names.WORKER_TIMEOUTS].meaning,
            value=shared.worker_timeouts(),
        )

    def describe(self) -> "Iterator[Metric]":
        """Name them, so that a second registration is refused."""
        return self.collect()


def identify(service: str, version: str) -> None:
    """Say what is running; shown as build info from then on."""
    global _identity  # noqa: PLW0603 -- one process runs one service
    _identity = (service, version)


@memoize
def _register_process() -> None:
    import prometheus_client

    prometheus_client.REGISTRY.register(_Process())


def _registry() -> "CollectorRegistry":
    import prometheus_client
    from prometheus_client.multiprocess import MultiProcessCollector

    if not multiprocess.enabled():
        _register_process()
        return prometheus_client.REGISTRY
    registry = prometheus_client.CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(_Process())
    return registry


def render(accept: str) -> tuple[str, bytes]:
    """Return content type and exposition in the format that the Accept header asks for.

    Raises:
        struct.error: A file of the workers has been without a header for two seconds.
    """
    from prometheus_client.exposition import choose_encoder

    from telemetry.created import Families

    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none: what a client without a wish gets
        encode, content_type = choose_encoder("")
    dated = content_type.startswith("application/openmetrics-text")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return content_type, encode(Families(_registry(), dated=dated))
        except struct.error:
            # A worker that starts has made its file, but has not yet written the header.
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)

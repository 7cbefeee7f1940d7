"""Keeps only the durations of the metrics of Django's instrumentation."""

from collections.abc import Sequence
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import Histogram, Meter, NoOpMeter
from opentelemetry.util.types import Attributes


class DurationProvider(metrics.MeterProvider):
    """The process's meters, whose other instruments count nothing.

    /metrics has the active requests. Sent by OTLP as well, they would come to Prometheus under the
    same name, and every sum would count them twice.
    """

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        """Return a meter of the process's provider that makes no instruments but histograms."""
        meter = metrics.get_meter_provider().get_meter(name, version, schema_url, attributes)
        return _DurationMeter(meter)


class _DurationMeter(NoOpMeter):
    def __init__(self, meter: Meter) -> None:
        super().__init__(meter.name, meter.version, meter.schema_url)
        self._meter: Final = meter

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        return self._meter.create_histogram(
            name,
            unit,
            description,
            explicit_bucket_boundaries_advisory=explicit_bucket_boundaries_advisory,
        )

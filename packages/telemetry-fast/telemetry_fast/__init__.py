"""The accelerator of `telemetry`: faster insides for OpenTelemetry's packages.

`telemetry.accelerator` decides whether it is used, and this module is all that it sees of it.
"""

from typing import TYPE_CHECKING, Final

from telemetry import otel

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from telemetry_fast.spans import LeanTracer

__all__ = ["WORKER", "difference", "instrument_django", "starter"]

# As gunicorn's setting `worker_class` takes it.
WORKER: Final = "telemetry_fast.worker.Worker"


def difference() -> str:
    """Install what the environment's exporter needs, and say how it differs from the stock parts.

    Returns:
        Nothing where a receiver gets the same of both, or where no spans are exported.
    """
    if not otel.exporters("TRACES"):
        return ""
    from telemetry_fast import guard

    return guard.difference(by_http=otel.exports_by_http("TRACES"))


def instrument_django(position: int) -> None:
    """Instrument Django; the server span begins at this place of settings.MIDDLEWARE."""
    from telemetry_fast import server_span

    server_span.instrument(position)


def starter(tracer: "Tracer") -> "LeanTracer | None":
    """Return what starts a tracer's spans, or None where only the tracer itself can."""
    from telemetry_fast import spans

    return spans.lean(tracer)

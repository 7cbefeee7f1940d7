"""Whether accelerated spans reach a receiver as the stock ones do: tried, not assumed."""

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from telemetry_fast import otlp, spans

_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_UNIQUE: Final = re.compile(r"((?:\w+_)?(?:id|time_unix_nano)): .*")
_NEVER: Final = 3_600_000  # milliseconds
_ALL: Final = 16
# A value of each kind that spans have.
ATTRIBUTES: Final = {
    "text": "Å",
    "number": 7,
    "half": 0.5,
    "yes": True,
    "list": ("a", "b"),
    "server.port": 8080,
}


class _Encoded(SpanExporter):
    """Keeps spans as any exporter of OTLP encodes them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep some spans."""
        self.bodies.append(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS


def difference(*, by_http: bool) -> str:
    """Say how accelerated spans differ from stock ones, as a receiver gets them.

    Args:
        by_http: Whether the exporter by HTTP sends them; the encoder is then installed.

    Returns:
        Nothing where both are equal; else the encoder is not installed.
    """
    module: dict[str, Any] = vars(import_module(_EXPORTER)) if by_http else {}
    stock = module.get("encode_spans")
    expected = ""
    try:
        expected = _sent(by_http=by_http, accelerated=False)
        # It has no parameter for it: it finds the function in its module.
        module["encode_spans"] = otlp.encode_spans
        found = _sent(by_http=by_http, accelerated=True)
    except Exception as error:  # noqa: BLE001 -- whatever does not fit, the stock parts serve
        found = f"{type(error).__name__}: {error}"
    if found == expected:
        return ""
    module["encode_spans"] = stock
    return f"accelerated spans are sent as {found[:200]!r}, stock ones as {expected[:200]!r}"


def _encoded() -> tuple[SpanExporter, list[bytes]]:
    exporter = _Encoded()
    return exporter, exporter.bodies


def _by_http() -> tuple[SpanExporter, list[bytes]]:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    from telemetry_fast import posted

    kept, session = posted.session()
    # Independent of the environment, because this module reads the kept spans.
    plain = Compression.NoCompression
    endpoint = "http://127.0.0.1:9/v1/traces"
    return OTLPSpanExporter(endpoint=endpoint, session=session, compression=plain), kept


def _sent(*, by_http: bool, accelerated: bool) -> str:
    """Return what a receiver gets of some spans, without their ids and times."""
    exporter, bodies = _by_http() if by_http else _encoded()
    resource = Resource({"service.name": "guard"})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    # One batch, whatever the environment says and however slow the machine is.
    batches = BatchSpanProcessor(exporter, schedule_delay_millis=_NEVER, max_export_batch_size=_ALL)
    provider.add_span_processor(batches)
    tracer: Any = provider.get_tracer("guard", "1")
    if accelerated and (lean := spans.lean(tracer)):
        tracer = lean
    outer = tracer.start_span("outer", kind=trace.SpanKind.SERVER, attributes=ATTRIBUTES)
    inner = tracer.start_span("inner", context=trace.set_span_in_context(outer))
    inner.record_exception(ValueError("no"), attributes={"exception.stacktrace": ""})
    inner.set_status(trace.StatusCode.ERROR, "no")
    inner.end()
    outer.end()
    provider.shutdown()
    received = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return "\n".join(_UNIQUE.sub(r"\1: …", str(each)) for each in received)

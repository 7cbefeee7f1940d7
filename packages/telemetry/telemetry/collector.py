"""The HTTP session of the OTLP exporters: it limits and reads the answers of a Collector.

The exporters over HTTP read an answer of any length and ignore what it says. They take a session
of `requests` from the entry point that OTEL_PYTHON_EXPORTER_OTLP_HTTP_*_CREDENTIAL_PROVIDER names:
`otel.complete` names `session`.
"""

import time
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from requests.adapters import HTTPAdapter

from telemetry import logs, names

MAX_BYTES: Final = 65536
_MAX_REASON: Final = 200  # characters
_DEFAULT_SECONDS: Final = 10.0
_PROTOBUF: Final = "application/x-protobuf"

_log = logs.get_logger("telemetry.collector")


def session() -> requests.Session:
    """Return a session that reads at most MAX_BYTES of an answer, within the request's timeout.

    An answer that is longer or later counts by its status alone. A log line says what was rejected
    and what was cut.
    """
    made = requests.Session()
    # A short body that unpacks to a long one would not be bounded.
    made.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Bounded())
    return made


class _Bounded(HTTPAdapter):
    """Reads a bounded part of an answer before the session does."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 -- the base's signature
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send a request and return its answer with what was read of the body."""
        seconds = timeout if isinstance(timeout, (int, float)) else _DEFAULT_SECONDS
        deadline = time.monotonic() + seconds
        answer = super().send(
            request, stream=True, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        body, cut = _read(answer.raw, deadline)
        answer.raw = BytesIO(body)
        split = urlsplit(request.url or "")
        to = f"{split.hostname}{split.path}"  # a URL may hold a password
        if cut:
            _log.warning(names.COLLECTOR_EVENT, to=to, rejected=0, reason=cut)
        elif answer.ok and answer.headers.get("Content-Type", "").startswith(_PROTOBUF):
            _tell_partial_success(to, body)
        return answer


def _read(raw: Any, deadline: float) -> tuple[bytes, str]:
    """Return what an answer's body has within the bounds, and why it was cut; else nothing."""
    parts, left = [], MAX_BYTES
    try:
        while part := raw.read1(left + 1, decode_content=False):
            parts.append(part[:left])
            left -= len(part)
            if left < 0:
                raise ValueError(f"the answer is longer than {MAX_BYTES} bytes")  # noqa: TRY301
            if time.monotonic() > deadline:
                raise TimeoutError("the answer takes longer than the timeout")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 -- the status says already whether all was taken
        raw.close()
        return b"".join(parts), str(error)[:_MAX_REASON]
    raw.release_conn()
    return b"".join(parts), ""


def _tell_partial_success(to: str, body: bytes) -> None:
    # The answers for traces, metrics and logs have the same fields at the same numbers.
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except Exception:  # noqa: BLE001 -- protobuf's own; such a body says nothing
        return
    if partial.rejected_spans or partial.error_message:
        _log.warning(
            names.COLLECTOR_EVENT,
            to=to,
            rejected=partial.rejected_spans,
            reason=partial.error_message[:_MAX_REASON],
        )

"""An HTTP client for other services: it sends trace and request ID, and limits time and retries.

It needs the extra `client` of this package (httpx and its OpenTelemetry instrumentation).
"""

import random
import time
from typing import Final

import httpx
from opentelemetry.instrumentation.httpx import SyncOpenTelemetryTransport

from telemetry import context, metrics, names

__all__ = ["MAX_RETRIES", "http_client"]

MAX_RETRIES: Final = 5
# RFC 9110, 9.2.2: what may be sent again, because twice is the same as once.
_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
# httpx leaves out the port that a scheme has anyway.
_PORTS: Final[dict[str, int]] = {"http": 80, "https": 443}
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0


def http_client(
    base_url: str,
    *,
    timeout_seconds: float = 2.0,
    retries: int = 1,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """Return a client for calls to another service; close it, or use it in a `with`.

    Each try is a client span below the current one and one observation of the duration histogram.

    Args:
        base_url: The other service's address, as ``http://ports:8080``.
        timeout_seconds: Longest wait for a connection, for each write and for each read.
        retries: How often an idempotent request is sent again after a connection that failed, a
            timeout or a 503; 0 to MAX_RETRIES. The pauses double and vary, and a Retry-After of up
            to a second is obeyed.
        transport: What sends requests; httpx's own by default.

    Raises:
        ValueError: retries is out of bounds.
    """
    if not 0 <= retries <= MAX_RETRIES:
        raise ValueError(f"retries={retries}: must be between 0 and {MAX_RETRIES}")
    sender = _Measured(SyncOpenTelemetryTransport(transport or httpx.HTTPTransport()))
    return httpx.Client(
        base_url=base_url,
        timeout=timeout_seconds,
        transport=_Retrying(sender, retries),
        event_hooks={"request": [_pass_the_request_id_on]},
    )


def _pass_the_request_id_on(request: httpx.Request) -> None:
    if (request_id := context.request_id()) and context.HEADER not in request.headers:
        request.headers[context.HEADER] = request_id


class _Measured(httpx.BaseTransport):
    """Observes the duration until a response's head is there, or the failure."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began, status, error = time.monotonic(), "", ""
        try:
            response = self._inner.handle_request(request)
            status = str(response.status_code)
            error = status if response.is_error else ""
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            method = request.method if request.method in names.METHODS else names.METHOD_OTHER
            series = metrics.histogram(names.HTTP_CLIENT_DURATION)
            url = request.url
            port = url.port or _PORTS.get(url.scheme) or ""
            labels = (method, url.host, str(port), status, error)
            series.labels(*labels).observe(time.monotonic() - began)
        return response

    def close(self) -> None:
        self._inner.close()


class _Retrying(httpx.BaseTransport):
    """Sends an idempotent request again where that may help."""

    def __init__(self, inner: httpx.BaseTransport, retries: int) -> None:
        self._inner = inner
        self._retries = retries

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # A body that is streamed can be read once only.
        is_repeatable = request.method in _IDEMPOTENT and isinstance(
            request.stream, httpx.ByteStream
        )
        left = self._retries if is_repeatable else 0
        pause = _FIRST_PAUSE_SECONDS
        while left > 0:
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError:
                asked = None
            else:
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return response
                asked = _retry_after(response)
                if asked is not None and asked > _LONGEST_PAUSE_SECONDS:
                    return response
                response.close()
            varied = pause * random.uniform(0.5, 1.5)  # noqa: S311 - so that callers do not meet again
            time.sleep(varied if asked is None else max(asked, varied))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            left -= 1
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After; None without one, or if it is a date."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None

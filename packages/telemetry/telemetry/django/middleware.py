"""The outer middleware: request id, duration and in-flight metrics, access line."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from django.core.signals import request_finished
from django.http import StreamingHttpResponse

from telemetry import context, exemplars, logs, metrics, names, tracing
from telemetry.django import routes, server_span
from telemetry.memoize import memoize

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from opentelemetry.trace import Span
    from prometheus_client import Gauge


_MAX_PATH: Final = 256
_SERVER_ERROR: Final = 500


def _forget_request(**_: object) -> None:
    context.end()


# The server closes a response after its last byte; only then may the thread forget the request.
request_finished.connect(_forget_request, dispatch_uid="telemetry")


@memoize
def _active(method: str) -> "Gauge":
    return metrics.gauge(names.HTTP_SERVER_ACTIVE).labels(method)


class Exchange:
    """One request and its response, from arrival until the response is handed over.

    Attributes:
        client: Address of the client: REMOTE_ADDR.
        span: The server span, from where the middleware within begins it; None without one.
    """

    __slots__ = (
        "_request",
        "began",
        "client",
        "method",
        "queued",
        "request_id",
        "server",
        "span",
    )

    def __init__(self, request: "HttpRequest") -> None:
        self._request = request
        self.began = time.monotonic()
        arrived = context.arrived_at.get()
        self.queued = self.began - arrived if arrived is not None else 0.0
        self.client = request.META.get("REMOTE_ADDR", "")
        method = request.method or ""
        self.method = method if method in names.METHODS else names.METHOD_OTHER
        self.request_id = context.begin(request.META.get("HTTP_X_REQUEST_ID"))
        self.span: Span | None = None
        self.server: Any = None  # the accelerator's
        _active(self.method).inc()

    def finish(self, status: int, size: int, aborted: str | None = None) -> None:
        """Count and log: everything that is known only at the end."""
        duration = time.monotonic() - self.began + self.queued
        _active(self.method).dec()
        request = self._request
        match = request.resolver_match
        route = match.route if match is not None else names.ROUTE_UNMATCHED
        span = self.span
        metrics.duration_of(self.method, route, status).observe(duration, exemplars.of(span))
        metrics.histogram(names.HTTP_SERVER_QUEUE).observe(self.queued)
        fields: dict[str, Any] = {}
        if span is not None:
            # A tuple: its properties would be three calls.
            trace_id, span_id, _, _, _, is_valid = span.get_span_context()
            if is_valid:
                fields[names.LOG_TRACE_ID] = f"{trace_id:032x}"
                fields[names.LOG_SPAN_ID] = f"{span_id:016x}"
        if aborted:
            fields["aborted"] = aborted
            metrics.counter(names.HTTP_SERVER_ABORTED).labels(route, aborted).inc()
        # Something within may have closed a response of its own, and so ended the request.
        context.begin(self.request_id)
        logs.access(
            logging.DEBUG if route in names.PROBE_ROUTES else logging.INFO,
            {
                "method": self.method,
                "route": route,
                "path": request.path[:_MAX_PATH],
                "status": status,
                "duration_ms": round(duration * 1000, 3),
                "queue_ms": round(self.queued * 1000, 3),
                "bytes": size,
                "client": self.client,
                "user_agent": request.META.get("HTTP_USER_AGENT", "")[:_MAX_PATH],
                **fields,
            },
        )
        # Request and exchange refer to each other. The garbage collector would free their objects
        # late, and the next request would use cold memory.
        del self._request.telemetry  # type: ignore[attr-defined]


class _Stream:
    """A streamed body that tells its exchange when the last byte was handed over, or why not."""

    def __init__(self, body: Iterator[bytes], exchange: Exchange, status: int) -> None:
        self._body = body
        self._exchange: Exchange | None = exchange
        self._status = status
        self._size = 0

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._body)
        except StopIteration:
            self._finish(self._status, None)
            raise
        except Exception:
            # The client has a status line already, but not what it promised: a server error.
            self._finish(_SERVER_ERROR, "server")
            raise
        self._size += len(chunk)
        return chunk

    def close(self) -> None:
        """Finish a stream that nobody will read on: its client went away."""
        self._finish(self._status, "client")

    def _finish(self, status: int, aborted: str | None) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.finish(status, self._size, aborted)


class Middleware:
    """First in settings.MIDDLEWARE, so that what any other one answers is counted too."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: "Callable[[HttpRequest], HttpResponseBase]") -> None:
        self._get_response = get_response

    def __call__(self, request: "HttpRequest") -> "HttpResponseBase":
        """Handle one request; Django makes a response of any exception further in."""
        exchange = Exchange(request)
        request.telemetry = exchange  # type: ignore[attr-defined]
        if server_span.is_excluded(request):
            # Calls within the view of a probe must not start traces of their own.
            with tracing.suppressed():
                response = self._get_response(request)
        else:
            server_span.begin_without_route(request)
            response = self._get_response(request)
            server_span.forget_no_route(request)  # of a span that did not begin
        response[context.HEADER] = exchange.request_id
        if isinstance(response, StreamingHttpResponse):
            body = cast("Iterator[bytes]", response.streaming_content)  # WSGI: never async
            response.streaming_content = _Stream(iter(body), exchange, response.status_code)
        else:
            sent = b"" if request.method == "HEAD" else getattr(response, "content", b"")
            exchange.finish(response.status_code, len(sent))
        return response

    def process_view(self, request: "HttpRequest", *_: object) -> None:
        """Give the route its one form before anything reads it."""
        match = request.resolver_match
        if match is not None:
            match.route = routes.template(match.route)

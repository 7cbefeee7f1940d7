"""OpenTelemetry's Django instrumentation with a leaner middleware: the server span of a request.

The instrumentor is the library's, and so are its place in settings.MIDDLEWARE, its tracer, its
histogram and its environment variables. Its middleware finds the same things several times in a
request; this one finds them once. The README of the package explains more, and
tests/unit/telemetry_fast/test_server_span.py holds the two side by side.
"""

# ruff: noqa: SLF001 -- the library has no public seam here; its version is pinned, the test compares

import os
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context, propagate, trace
from opentelemetry.instrumentation import propagators, wsgi
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.instrumentation.utils import extract_attributes_from_object
from opentelemetry.util.http import detect_synthetic_user_agent
from telemetry import names, spans
from telemetry.django.server_span import address, is_excluded, name
from telemetry.memoize import memoize
from telemetry.redaction import redact_query

from telemetry_fast.measurements import Measurements

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from opentelemetry.metrics import Histogram, Meter

_SERVER_ERROR: Final = 500
_USER_AGENTS: Final = 256
_CAPTURE: Final = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"


class Instrumentor(DjangoInstrumentor):
    """Inserts ServerSpans where DjangoInstrumentor would insert its own middleware."""

    _opentelemetry_middleware = f"{__name__}.ServerSpans"


def instrument(position: int) -> None:
    """Instrument Django; the server span begins at this place of settings.MIDDLEWARE."""
    Instrumentor().instrument(middleware_position=position)


@memoize
def _propagated() -> frozenset[str]:
    """Return the keys of a WSGI environment that hold a caller's context."""
    fields = propagate.get_global_textmap().fields
    return frozenset(f"HTTP_{field.upper().replace('-', '_')}" for field in fields)


@memoize
def _captures(kind: str) -> bool:
    """Say whether the environment asks for headers (of a REQUEST or RESPONSE) as attributes."""
    return bool(os.environ.get(f"{_CAPTURE}{kind}"))


@memoize
def _durations() -> Measurements:
    histogram = cast("Histogram", _DjangoMiddleware._duration_histogram_new)
    return Measurements(histogram, cast("Meter", _DjangoMiddleware._meter))


@lru_cache(maxsize=_USER_AGENTS)
def _user_agent(text: str) -> dict[str, str]:
    kind = detect_synthetic_user_agent(text)
    found = {names.ATTR_USER_AGENT: text}
    return {**found, names.ATTR_USER_AGENT_TYPE: kind} if kind else found


class ServerSpan:
    """The span of one request: the current one from the beginning until ``end``."""

    __slots__ = ("_began", "_counted", "_token", "error", "span")

    def __init__(self, request: "HttpRequest", tracer: "spans.Starter") -> None:
        """Begin, below the caller's span where it sent one."""
        environ, exchange = request.META, request.telemetry  # type: ignore[attr-defined]
        self._counted: dict[str, Any] = {
            names.ATTR_METHOD: exchange.method,
            names.ATTR_SCHEME: environ["wsgi.url_scheme"],
            names.ATTR_PROTOCOL: environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
        }
        parent = None
        if not environ.keys().isdisjoint(_propagated()):
            parent = propagate.extract(environ, getter=wsgi.wsgi_getter)
        above = trace.get_current_span() if parent is None else trace.get_current_span(parent)
        called, kind = name(exchange.method, None), trace.SpanKind.SERVER
        given = partial(self._attributes, request)
        self.span = tracer.start_below(above, called, given, kind, parent)
        self._token = spans.attach(self.span, parent)
        self.error: Exception | None = None
        self._began = time.perf_counter()

    def _attributes(self, request: "HttpRequest") -> dict[str, Any]:
        environ = request.META
        attributes = {
            **self._counted,
            names.ATTR_URL_PATH: environ["PATH_INFO"],
            names.ATTR_REQUEST_ID: request.telemetry.request_id,  # type: ignore[attr-defined]
            names.ATTR_SERVER_ADDRESS: address(environ.get("HTTP_HOST", "")),
        }
        if port := environ.get("SERVER_PORT"):  # a socket of the file system has none
            attributes[names.ATTR_SERVER_PORT] = int(port)
        if request.method != attributes[names.ATTR_METHOD]:
            attributes[names.ATTR_METHOD_ORIGINAL] = request.method
        if query := environ.get("QUERY_STRING"):
            attributes[names.ATTR_URL_QUERY] = redact_query(query)
        if client := request.telemetry.client:  # type: ignore[attr-defined]
            attributes[names.ATTR_CLIENT_ADDRESS] = client
        if port := environ.get("REMOTE_PORT"):
            attributes[names.ATTR_CLIENT_PORT] = int(port)
        if agent := environ.get("HTTP_USER_AGENT"):
            attributes.update(_user_agent(agent))
        if _captures("REQUEST"):
            attributes.update(wsgi.collect_custom_request_headers_attributes(environ))
        wanted = _DjangoMiddleware._traced_request_attrs
        return extract_attributes_from_object(request, wanted, attributes) if wanted else attributes

    def end(self, request: "HttpRequest", response: "HttpResponseBase") -> None:
        """End the span and record the duration, with all that is known only now."""
        counted, span = self._counted, self.span
        status = response.status_code
        counted[names.ATTR_STATUS] = status
        if request.resolver_match is not None:
            counted[names.ATTR_HTTP_ROUTE] = request.resolver_match.route
        if status >= _SERVER_ERROR:
            counted[names.ATTR_ERROR_TYPE] = str(status)
        if propagator := propagators.get_global_response_propagator():
            propagator.inject(response)
        _durations().record(time.perf_counter() - self._began, counted)
        if span.is_recording():
            self._describe(response)
            if self.error is not None:
                span.record_exception(self.error)
                reason = f"{type(self.error).__name__}: {self.error}"
                span.set_status(trace.StatusCode.ERROR, reason)
            elif status >= _SERVER_ERROR:
                span.set_status(trace.StatusCode.ERROR)
        context.detach(self._token)
        span.end()

    def _describe(self, response: "HttpResponseBase") -> None:
        counted, span = self._counted, self.span
        attributes = {names.ATTR_STATUS: counted[names.ATTR_STATUS]}
        for optional in (names.ATTR_HTTP_ROUTE, names.ATTR_ERROR_TYPE):
            if optional in counted:
                attributes[optional] = counted[optional]
        if _captures("RESPONSE"):
            attributes.update(
                wsgi.collect_custom_response_headers_attributes(list(response.items()))
            )
        span.set_attributes(attributes)
        if names.ATTR_HTTP_ROUTE in counted:
            span.update_name(name(counted[names.ATTR_METHOD], counted[names.ATTR_HTTP_ROUTE]))


class ServerSpans(_DjangoMiddleware):
    """The middleware, right inside the one that began the exchange."""

    def __call__(self, request: "HttpRequest") -> "HttpResponseBase":
        """Handle a request within its server span, or in the dark if it is not to be traced."""
        if is_excluded(request):
            return cast("HttpResponseBase", self.get_response(request))
        server = ServerSpan(request, spans.starter(self._tracer))
        request.telemetry.span = server.span  # type: ignore[attr-defined]
        request.telemetry.server = server  # type: ignore[attr-defined]
        response: HttpResponseBase = self.get_response(request)
        server.end(request, response)
        return response

    def process_view(self, *_: object) -> None:
        """Do nothing: the base would set the route here, which is not known to be final yet."""

    def process_exception(self, request: "HttpRequest", exception: Exception) -> None:
        """Keep an exception that left the view for the server span."""
        server = request.telemetry.server  # type: ignore[attr-defined]
        if server is not None:
            server.error = exception

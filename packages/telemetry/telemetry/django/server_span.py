"""The server span of a request: OpenTelemetry's instrumentation of Django, with what we add."""

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured
from django.urls import ResolverMatch
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.util.http import get_excluded_urls

from telemetry import accelerator, names
from telemetry.django.durations import DurationProvider
from telemetry.memoize import memoize
from telemetry.redaction import redact_query

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from opentelemetry.trace import Span

_CONVENTIONS: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
_EXCLUDED: Final = ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")
_PROBES: Final = "|".join(map(re.escape, sorted(names.PROBE_ROUTES)))
_SIZE: Final = 1024
_UNRESOLVED: Final = ResolverMatch(lambda: None, (), {})


def instrument(position: int) -> None:
    """Instrument Django, by the accelerator where it is used.

    Args:
        position: Where in settings.MIDDLEWARE the server span begins.

    Raises:
        ImproperlyConfigured: The environment asks for other conventions than the stable ones.
    """
    chosen = os.environ.setdefault(_CONVENTIONS, "http")
    if "http" not in (word.strip().lower() for word in chosen.split(",")):
        raise ImproperlyConfigured(
            f"{_CONVENTIONS}={chosen!r} does not name http: "
            "only the stable conventions of HTTP are written here"
        )
    if fast := accelerator.load():
        fast.instrument_django(position)
        return
    DjangoInstrumentor().instrument(
        middleware_position=position,
        meter_provider=DurationProvider(),
        request_hook=began,
        response_hook=ended,
        excluded_urls=None if _names_excluded() else rf"^https?://[^/]+(?:{_PROBES})(?:\?|$)",
    )


@memoize
def _names_excluded() -> bool:
    """Say whether the environment names the requests that are not traced."""
    return any(map(os.environ.get, _EXCLUDED))


def is_excluded(request: "HttpRequest") -> bool:
    """Say whether a request is not traced: a probe, or what the environment names instead."""
    if not _names_excluded():
        return request.path in names.PROBE_ROUTES
    return get_excluded_urls("DJANGO").url_disabled(request.build_absolute_uri("?"))


def begin_without_route(request: "HttpRequest") -> None:
    """Keep the instrumentation from resolving the path to name the span, which Django does again.

    Until the route is known, the span has the method as its name, as with the accelerator.
    """
    if not accelerator.load():
        request.resolver_match = _UNRESOLVED


def forget_no_route(request: "HttpRequest") -> None:
    """Undo `begin_without_route` where Django has not resolved the path."""
    if request.resolver_match is _UNRESOLVED:
        request.resolver_match = None


def began(span: "Span", request: "HttpRequest") -> None:
    """Give the span that the instrumentation began what it leaves out."""
    forget_no_route(request)
    exchange = request.telemetry  # type: ignore[attr-defined]
    exchange.span = span
    if not span.is_recording():
        return
    span.set_attributes(
        {
            names.ATTR_REQUEST_ID: exchange.request_id,
            names.ATTR_SERVER_ADDRESS: address(request.META.get("HTTP_HOST", "")),
        }
    )
    if exchange.client:  # a socket of the file system has none
        span.set_attribute(names.ATTR_CLIENT_ADDRESS, exchange.client)
    if query := request.META.get("QUERY_STRING"):
        span.set_attribute(names.ATTR_URL_QUERY, redact_query(query))


def ended(span: "Span", request: "HttpRequest", _: "HttpResponseBase") -> None:
    """Name the span by the route's one form, which is known only now."""
    match = request.resolver_match
    method = request.telemetry.method  # type: ignore[attr-defined]
    span.update_name(name(method, None if match is None else match.route))


@lru_cache(maxsize=_SIZE)
def address(host: str) -> str:
    """Return a Host field without its port; an IPv6 address stands in brackets.

    A Host has no user and password, but a client may send them.
    """
    host = host.rpartition("@")[2]
    given, colon, port = host.rpartition(":")
    return given if colon and (not port or port.isdigit()) else host


@lru_cache(maxsize=_SIZE)
def name(method: str, route: str | None) -> str:
    """Return a server span's name; the route is None for a path without one."""
    known = "HTTP" if method == names.METHOD_OTHER else method
    return known if route is None else f"{known} {route}"

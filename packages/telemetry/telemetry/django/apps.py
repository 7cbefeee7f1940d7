"""Django app that instruments Django, and psycopg where a database uses it."""

import logging
import os
import re
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings

from telemetry import context, logs, names
from telemetry.django import MIDDLEWARE

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from opentelemetry.trace import Span

# Matched anywhere in scheme, host and path: hence the host's end in front.
_EXCLUDED_URLS = ",".join(rf"^[^/]+//[^/]+{route}$" for route in sorted(names.PROBE_ROUTES))


def _on_request(span: "Span", request: "HttpRequest") -> None:
    request.telemetry.span = span  # type: ignore[attr-defined]
    if not span.is_recording():
        return
    span.set_attribute(names.ATTR_REQUEST_ID, context.request_id() or "")
    # The instrumentation takes the whole Host header for the address.
    host = request.META.get("HTTP_HOST", "")
    span.set_attribute(names.ATTR_SERVER_ADDRESS, re.sub(r":[0-9]*$", "", host))
    if query := request.META.get("QUERY_STRING"):
        span.set_attribute(names.ATTR_URL_QUERY, logs.redact_query(query))


def _on_response(span: "Span", request: "HttpRequest", _response: "HttpResponse") -> None:
    if span.is_recording():
        # The instrumentation named the span by Django's own spelling of the route.
        exchange = request.telemetry  # type: ignore[attr-defined]
        route = request.resolver_match.route if request.resolver_match else ""
        span.update_name(f"{exchange.method} {route}".replace(names.METHOD_OTHER, "HTTP").strip())


class TelemetryConfig(AppConfig):
    """Instruments Django when its settings are complete and no middleware is loaded yet."""

    name = "telemetry.django"
    label = "telemetry"
    models_module = None
    path = os.path.dirname(__file__)  # noqa: PTH120 -- Django wants a str

    def ready(self) -> None:
        """Insert OpenTelemetry's middleware right inside ours."""
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        excluded = os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS") or os.environ.get(
            "OTEL_PYTHON_EXCLUDED_URLS"
        )
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        position = list(settings.MIDDLEWARE).index(MIDDLEWARE[0]) + 1
        DjangoInstrumentor().instrument(
            request_hook=_on_request,
            response_hook=_on_response,
            excluded_urls=_EXCLUDED_URLS if excluded is None else excluded,
            middleware_position=position,
        )
        # Django's line about a 4xx or 5xx says nothing that the access line does not; about an
        # exception that nobody caught it has the stack.
        logging.getLogger("django.request").addFilter(lambda record: bool(record.exc_info))
        if any("postgresql" in str(database["ENGINE"]) for database in settings.DATABASES.values()):
            from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

            PsycopgInstrumentor().instrument()

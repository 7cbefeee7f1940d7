"""Django app that instruments Django, and psycopg where a database uses it."""

import logging
import os

from django.apps import AppConfig
from django.conf import settings


class TelemetryConfig(AppConfig):
    """Instruments Django when its settings are complete and no middleware is loaded yet."""

    name = "telemetry.django"
    label = "telemetry"
    models_module = None
    path = os.path.dirname(__file__)  # noqa: PTH120 -- Django wants a str

    def ready(self) -> None:
        """Insert OpenTelemetry's middleware right inside ours."""
        from telemetry.django import MIDDLEWARE, server_span

        server_span.instrument(list(settings.MIDDLEWARE).index(MIDDLEWARE[0]) + 1)
        # Django's line about a 4xx or 5xx says nothing that the access line does not; about an
        # exception that nobody caught it has the stack.
        logging.getLogger("django.request").addFilter(lambda record: bool(record.exc_info))
        # Its lines about a client's mistakes have the level of an error, though the answer is 400.
        logging.getLogger("django.security").setLevel(logging.CRITICAL)
        if any("postgresql" in str(database["ENGINE"]) for database in settings.DATABASES.values()):
            from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

            PsycopgInstrumentor().instrument()

"""Django's settings, and the only place that reads the environment.

(The package telemetry reads OTEL_* and LOG_* itself.)
"""

import os
from importlib.metadata import version
from typing import Final

{% if values.calls %}
from pydantic import Field, HttpUrl
{% endif %}
from service.django.conf import settings
{% if values.store == "postgresql" %}
from service.django.postgresql.settings import DatabaseEnvironment
from service.environment import prefixed
{% else %}
from service.environment import ServerEnvironment, prefixed
{% endif %}

SERVICE: Final = "${{ values.name }}"
VERSION: Final = version(SERVICE)


{% if values.store == "postgresql" %}
class Environment(DatabaseEnvironment, alias_generator=prefixed("${{ values.prefix }}_")):
{% else %}
class Environment(ServerEnvironment, alias_generator=prefixed("${{ values.prefix }}_")):
{% endif %}
    """The environment variables of the service: the server's, and below them its own."""
{% if values.calls %}

    CALLS_URL: HttpUrl = Field(
        HttpUrl("http://localhost:8080"),
        alias="${{ values.prefix }}_${{ values.callsPrefix }}_URL",
        description="Address of the service `${{ values.calls }}`.",
    )
{% endif %}


ENVIRONMENT: Final = Environment.read(os.environ)

{% if values.store == "postgresql" %}
globals().update(
    settings(
        "${{ values.package }}",
        ENVIRONMENT,
        apps=["${{ values.package }}.adapters.store.postgres"],
        databases=ENVIRONMENT.databases(SERVICE),
    )
)
{% else %}
globals().update(settings("${{ values.package }}", ENVIRONMENT))
{% endif %}

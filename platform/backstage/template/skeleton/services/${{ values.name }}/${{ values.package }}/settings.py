"""Django's settings, and the only place that reads the environment.

(The telemetry package reads OTEL_* and LOG_* itself.)
"""

import os
import secrets
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

import telemetry.django
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SERVICE: Final = "${{ values.name }}"
VERSION: Final = version(SERVICE)


class Environment(BaseModel):
    """The environment variables of the service, with their defaults."""

    model_config = ConfigDict(frozen=True)

    HOST: str = Field(
        "127.0.0.1",
        description="IP address to listen on, or `localhost`; `0.0.0.0` in a container.",
    )
    PORT: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    METRICS_PORT: int | None = Field(
        None, ge=1, le=65535, description="Port of a listener for `/metrics` alone; none if unset."
    )
    ${{ values.prefix }}_THREADS: int = Field(8, ge=1, le=256, description="Threads that serve.")
    ${{ values.prefix }}_MAX_WAITING: int = Field(
        64, ge=1, le=10000, description="Requests that may wait for a thread; more get 503."
    )
    ${{ values.prefix }}_DRAIN_SECONDS: float = Field(
        5, ge=0, le=600, description="How long `/ready` says 503 before the listener closes."
    )
    ${{ values.prefix }}_GRACEFUL_SECONDS: int = Field(
        20, ge=1, le=600, description="How long requests in flight and telemetry may then take."
    )


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return the settings; an empty value counts as unset.

    Raises:
        SystemExit: A value is wrong; the message is one line that names the variable.
    """
    given = {name: environ[name] for name in Environment.model_fields if environ.get(name)}
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        wrong = (f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise SystemExit("; ".join(wrong)) from None


ENVIRONMENT: Final = read_environment(os.environ)

DEBUG = False
# Nothing is signed, so nothing depends on this key; Django wants one.
SECRET_KEY = secrets.token_urlsafe(50)
# The Host header is used for nothing: no absolute URL is made of it.
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [*telemetry.django.INSTALLED_APPS, "ninja"]
MIDDLEWARE = [*telemetry.django.MIDDLEWARE]
ROOT_URLCONF = "${{ values.package }}.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES: dict[str, object] = {}
APPEND_SLASH = False
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = telemetry.django.LOGGING_CONFIG

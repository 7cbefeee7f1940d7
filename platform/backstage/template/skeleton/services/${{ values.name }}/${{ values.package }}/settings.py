"""Django's settings, and the only place that reads the environment.

(The telemetry package reads OTEL_* and LOG_* itself.)
"""

import os
import secrets
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

import telemetry.django
from pydantic import ValidationError
from service.environment import ServerEnvironment, prefixed

SERVICE: Final = "${{ values.name }}"
VERSION: Final = version(SERVICE)


class Environment(ServerEnvironment, alias_generator=prefixed("${{ values.prefix }}_")):
    """The environment variables of the service: the server's, and below them its own."""


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return the settings; an empty value counts as unset.

    Raises:
        SystemExit: A value is wrong; the message is one line that names the variable.
    """
    given = {name: environ[name] for name in Environment.variables() if environ.get(name)}
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

"""Django's settings that are the same in every service."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

import telemetry.django

from service.environment import ServerEnvironment

__all__ = ["settings"]

_CORS: Final = "corsheaders.middleware.CorsMiddleware"
_EDGE: Final = "service.django.edge.Edge"


def settings(
    package: str,
    environment: ServerEnvironment,
    *,
    apps: Iterable[str] = (),
    middleware: Iterable[str] = (),
    databases: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return Django's settings, for ``globals().update(settings(...))`` in a settings module.

    The module itself has SERVICE, the service's name, and ENVIRONMENT, the environment.

    Args:
        package: The service's Python package; its module `urls` has all paths.
        environment: What the environment says.
        apps: Further Django apps.
        middleware: Further middleware, right around the views.
        databases: Django's DATABASES; none by default.
    """
    origins = [each.strip() for each in (environment.ALLOWED_ORIGINS or "").split(",") if each]
    # It answers preflight requests itself, and marks the answers of all that is further inside.
    cors = [_CORS] if origins else []
    return {
        "DEBUG": False,
        # Nothing is signed, so nothing depends on this key; Django wants one.
        "SECRET_KEY": secrets.token_urlsafe(50),
        # The Host header is used for nothing: no absolute URL is made of it.
        "ALLOWED_HOSTS": ["*"],
        "INSTALLED_APPS": [*telemetry.django.INSTALLED_APPS, "ninja", "service.django", *apps],
        "MIDDLEWARE": [*telemetry.django.MIDDLEWARE, *cors, _EDGE, *middleware],
        "CORS_ALLOWED_ORIGINS": origins,
        "CORS_ALLOW_HEADERS": [
            *("accept", "authorization", "content-type", "if-match", "if-none-match"),
            *("traceparent", "x-request-id"),
        ],
        "CORS_EXPOSE_HEADERS": ["ETag", "Link", "Location", "Retry-After", "X-Request-ID"],
        "ROOT_URLCONF": f"{package}.urls",
        "TEMPLATES": [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        "STATIC_URL": "/docs/static/",
        "DATABASES": dict(databases or {}),
        "DATA_UPLOAD_MAX_MEMORY_SIZE": environment.MAX_BODY_BYTES,
        "APPEND_SLASH": False,
        "USE_I18N": False,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LOGGING_CONFIG": telemetry.django.LOGGING_CONFIG,
        "SILENCED_SYSTEM_CHECKS": [
            "security.W001",  # what SecurityMiddleware would set for a JSON service, `Edge` sets
            "security.W002",  # the pages, / and /docs, refuse framing themselves
            "security.W003",  # no cookies, no forms: nothing that a forged request could ride on
        ],
    }

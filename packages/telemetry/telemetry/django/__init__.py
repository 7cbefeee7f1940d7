"""Settings and URLs of a Django service.

``MIDDLEWARE`` goes first in settings.MIDDLEWARE, ``INSTALLED_APPS`` into settings.INSTALLED_APPS,
``LOGGING_CONFIG`` is settings.LOGGING_CONFIG (Django then leaves logging to configure_logging).
"""

from typing import Final

from telemetry.django.routes import declare_routes
from telemetry.django.views import metrics_view

__all__ = [
    "INSTALLED_APPS",
    "LOGGING_CONFIG",
    "MIDDLEWARE",
    "declare_routes",
    "metrics_view",
]

MIDDLEWARE: Final = ["telemetry.django.middleware.Middleware"]
INSTALLED_APPS: Final = ["telemetry.django.apps.TelemetryConfig", "django_prometheus"]
LOGGING_CONFIG: Final = None

"""What a Django service puts into its settings and URLs.

``MIDDLEWARE`` goes first in settings.MIDDLEWARE, ``INSTALLED_APPS`` into settings.INSTALLED_APPS,
``LOGGING_CONFIG`` is settings.LOGGING_CONFIG (Django then leaves logging to configure_logging).
A service's wsgi.py takes ``get_wsgi_application`` from here.
"""

from typing import Final

from telemetry.django.routes import declare_routes
from telemetry.django.views import metrics_view, problem
from telemetry.django.wsgi import get_wsgi_application

__all__ = [
    "INSTALLED_APPS",
    "LOGGING_CONFIG",
    "MIDDLEWARE",
    "declare_routes",
    "get_wsgi_application",
    "metrics_view",
    "problem",
]

MIDDLEWARE: Final = ["telemetry.django.middleware.Middleware"]
INSTALLED_APPS: Final = ["telemetry.django.apps.TelemetryConfig", "django_prometheus"]
LOGGING_CONFIG: Final = None

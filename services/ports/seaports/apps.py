"""Registers the service with Django."""

from django import db
from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started


class Seaports(AppConfig):
    """The service's system checks and commands."""

    name = "seaports"

    def ready(self) -> None:
        """Register the checks; let a service without a database look after none."""
        from seaports import checks, settings  # noqa: F401, PLC0415 - importing registers them

        if settings.STORE == "memory":
            # Django closes what database and cache connections there are around each request.
            # Finding that there are none cost a tenth of a small one.
            request_started.disconnect(db.reset_queries)
            request_started.disconnect(db.close_old_connections)
            request_finished.disconnect(db.close_old_connections)
            request_finished.disconnect(close_caches)

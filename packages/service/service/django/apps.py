"""Registers the checks and commands that every service has with Django."""

from django import db
from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started


class Service(AppConfig):
    """System checks and commands of every service."""

    name = "service.django"
    label = "service"

    def ready(self) -> None:
        """Register the checks; let a service without a database look after none."""
        from service.django import checks  # noqa: F401 -- importing registers them

        if getattr(settings.ENVIRONMENT, "store", None) == "postgresql":
            from service.django.postgresql import budget  # noqa: F401 -- importing registers it

        backends = [str(cache["BACKEND"]) for cache in settings.CACHES.values()]
        if settings.DATABASES or not all("locmem" in backend for backend in backends):
            return
        # Django closes what database and cache connections there are around each request.
        # Finding that there are none cost a tenth of a small one.
        request_started.disconnect(db.reset_queries)
        request_started.disconnect(db.close_old_connections)
        request_finished.disconnect(db.close_old_connections)
        request_finished.disconnect(close_caches)

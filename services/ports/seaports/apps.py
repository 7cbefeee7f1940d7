"""Registers the service with Django."""

from django.apps import AppConfig


class Seaports(AppConfig):
    """The service's system checks and commands."""

    name = "seaports"

    def ready(self) -> None:
        """Register the checks."""
        from seaports import checks  # noqa: F401, PLC0415 - importing registers them

"""Registers the tables with Django."""

from django.apps import AppConfig


class PortsDatabase(AppConfig):
    """The Django app that owns the tables and their migrations."""

    name = "seaports.adapters.store.postgres"
    label = "ports"
    default_auto_field = "django.db.models.BigAutoField"

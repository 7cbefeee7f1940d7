"""Registers the tables with Django."""

from django.apps import AppConfig


class ItemsDatabase(AppConfig):
    """The Django app that owns the tables and their migrations."""

    name = "${{ values.package }}.adapters.store.postgres"
    label = "${{ values.package }}"

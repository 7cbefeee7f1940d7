"""Registers the service with Django."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from seaports import settings


class Seaports(AppConfig):
    """The service's own system check and commands."""

    name = "seaports"


@register()
def writing(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """Report a write token together with the read-only memory store (E001)."""
    if settings.ENVIRONMENT.store != "memory" or settings.ENVIRONMENT.PORTS_WRITE_TOKEN is None:
        return []
    return [
        Error(
            "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP",
            hint="Unset it, or set PORTS_STORE_URL to a postgresql:// URL.",
            id="ports.E001",
        )
    ]

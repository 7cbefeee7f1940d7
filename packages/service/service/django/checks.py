"""System checks of the environment variables. An error stops the start of the service."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from service.environment import ServerEnvironment

# Similarity of two names, from 0 to 1. The common prefix already makes names a little similar.
_ALIKE: Final = 0.8


@register()
def environment(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """Report invalid values (E001), values that conflict (E002) and unknown names (E003)."""
    here: ServerEnvironment = settings.ENVIRONMENT
    fields = here.variables()
    messages: list[CheckMessage] = [
        Error(line, hint=fields[name].description, id="service.E001")
        for name, line in here.wrong.items()
    ]
    if here.METRICS_PORT == here.PORT:
        messages.append(
            Error(
                f"METRICS_PORT={here.METRICS_PORT}: must differ from PORT",
                hint="Choose another port.",
                id="service.E002",
            )
        )
    if here.CPU_AFFINITY and not hasattr(os, "sched_setaffinity"):
        messages.append(
            Error(
                f"{here.prefix()}CPU_AFFINITY=true: this system cannot bind a process to a core",
                hint="Unset it, or use Linux.",
                id="service.E002",
            )
        )
    replica = getattr(here, "REPLICA_URL", None)
    if replica is not None and getattr(here, "store", None) == "memory":
        messages.append(
            Error(
                f"{here.prefix()}REPLICA_URL: the store in memory has no replica",
                hint=f"Set {here.prefix()}STORE_URL to a postgresql:// URL.",
                id="service.E002",
            )
        )
    if replica is not None and getattr(here, "CACHE_URL", None) is not None:
        messages.append(
            Error(
                f"{here.prefix()}REPLICA_URL, {here.prefix()}CACHE_URL: set one of them",
                hint="A late replica would put old values into the shared cache.",
                id="service.E002",
            )
        )
    for name in here.unknown:
        near = get_close_matches(name, fields, n=1, cutoff=_ALIKE)
        hint = f"Did you mean {near[0]}?" if near else "Unset it."
        messages.append(Error(f"{name}: unknown setting", hint=hint, id="service.E003"))
    return messages

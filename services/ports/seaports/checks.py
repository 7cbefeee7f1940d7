"""What is wrong with the configuration, as Django system checks."""

import os
from collections.abc import Sequence
from difflib import get_close_matches

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from seaports import settings


@register()
def environment(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """Report wrong values (E001), what does not go together (E002) and unknown names (W001)."""
    fields = settings.Environment.variables()
    messages: list[CheckMessage] = [
        Error(f"{name}: {what}", hint=fields[name].description, id="ports.E001")
        for name, what in settings.WRONG.items()
    ]
    here = settings.ENVIRONMENT
    if here.METRICS_PORT == here.PORT:
        messages.append(Error("METRICS_PORT is PORT", hint="Choose another port.", id="ports.E002"))
    if settings.STORE == "memory" and here.PORTS_WRITE_TOKEN is not None:
        messages.append(
            Error(
                "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP",
                hint="Unset it, or set PORTS_STORE_URL to a postgresql:// URL.",
                id="ports.E002",
            )
        )
    if here.CPU_AFFINITY and not hasattr(os, "sched_setaffinity"):
        messages.append(
            Error(
                "PORTS_CPU_AFFINITY: this system keeps no process to a core",
                hint="Unset it: only Linux can.",
                id="ports.E002",
            )
        )
    for name in settings.UNKNOWN:
        near = get_close_matches(name, fields, n=1)
        hint = f"Is {near[0]} meant?" if near else "Unset it."
        messages.append(Warning(f"{name}: no such setting", hint=hint, id="ports.W001"))
    return messages

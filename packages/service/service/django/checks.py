"""What is wrong with the environment, as Django system checks: the service does not start."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from service.environment import ServerEnvironment

_ALIKE: Final = 0.8  # of two names; the service's prefix alone makes them a little alike


@register()
def environment(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """Report wrong values (E001), what does not go together (E002) and unknown names (E003)."""
    here: ServerEnvironment = settings.ENVIRONMENT
    fields = here.variables()
    messages: list[CheckMessage] = [
        Error(f"{name}: {what}", hint=fields[name].description, id="service.E001")
        for name, what in here.wrong.items()
    ]
    if here.METRICS_PORT == here.PORT:
        messages.append(
            Error("METRICS_PORT is PORT", hint="Choose another port.", id="service.E002")
        )
    if here.CPU_AFFINITY and not hasattr(os, "sched_setaffinity"):
        messages.append(
            Error(
                f"{here.prefix()}CPU_AFFINITY: this system keeps no process to a core",
                hint="Unset it: only Linux can.",
                id="service.E002",
            )
        )
    for name in here.unknown:
        near = get_close_matches(name, fields, n=1, cutoff=_ALIKE)
        hint = f"Is {near[0]} meant?" if near else "Unset it."
        messages.append(Error(f"{name}: no such setting", hint=hint, id="service.E003"))
    return messages

"""Loads the accelerator, the package `telemetry_fast`, if it fits.

The accelerator replaces internals of OpenTelemetry by faster code. Everything works without it,
with public interfaces only. It is used only with the exact versions that it was made for.
"""

import os
import re
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, Final

from telemetry import logs, names

DISTRIBUTION: Final = "ports-platform-telemetry-fast"
WANTED: Final = "TELEMETRY_FAST"
_NO: Final = ("0", "false", "no", "off")
_YES: Final = ("", "1", "true", "yes", "on")
_PIN: Final = re.compile(r"([\w.-]+)\s*==\s*([\w.!+-]+)")

_log = logs.get_logger("telemetry.accelerator")


def other_versions() -> list[str]:
    """Return what is installed in another version than the one that the accelerator is made for.

    Raises:
        PackageNotFoundError: The accelerator is not installed.
    """
    pins = filter(None, map(_PIN.match, requires(DISTRIBUTION) or ()))
    return [
        f"{name} {installed} is installed, {wanted} expected"
        for name, wanted in (pin.groups() for pin in pins)
        if (installed := _version(name)) != wanted
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "no version"


def is_wanted() -> bool:
    """Say whether TELEMETRY_FAST leaves the accelerator in.

    Raises:
        ValueError: TELEMETRY_FAST says neither yes nor no.
    """
    given = os.environ.get(WANTED, "").strip().lower()
    if given not in (*_YES, *_NO):
        raise ValueError(f"{WANTED}={given}: must be true or false")
    return given in _YES


@cache
def load() -> Any:
    """Return the accelerator's module; None, and a log line that says why, where it is not used.

    It is used if it is installed, not switched off by TELEMETRY_FAST, and made for exactly the
    installed versions. It must also send some spans equal to those of the stock parts.
    """
    try:
        others = other_versions()
    except PackageNotFoundError:
        _log.debug(names.STOCK_EVENT, reason=f"{DISTRIBUTION} is not installed")
        return None
    if not is_wanted():
        _log.info(names.STOCK_EVENT, reason=f"{WANTED}={os.environ[WANTED]}")
        return None
    if others:
        _log.warning(names.STOCK_EVENT, reason="; ".join(others))
        return None
    found = import_module("telemetry_fast")
    if difference := found.difference():
        _log.warning(names.STOCK_EVENT, reason=difference)
        return None
    return found

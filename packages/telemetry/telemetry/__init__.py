"""Logs, traces, metrics and request ids, the same in every service.

Importing this costs little: no SDK, no Django, no gunicorn is loaded before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from telemetry import names
from telemetry.context import carry, request_id
from telemetry.current import trace_id
from telemetry.logs import configure_logging, get_logger
from telemetry.shared import has_been_ready, is_draining, mark_ready
from telemetry.streams import stream
from telemetry.tracing import record_exception, span

if TYPE_CHECKING:
    from telemetry import django, gunicorn, metrics

__all__ = [
    "carry",
    "configure_logging",
    "django",
    "get_logger",
    "gunicorn",
    "has_been_ready",
    "is_draining",
    "mark_ready",
    "metrics",
    "names",
    "record_exception",
    "request_id",
    "span",
    "stream",
    "trace_id",
]


def __getattr__(name: str) -> Any:
    if name in ("django", "gunicorn", "metrics"):
        return import_module(f"telemetry.{name}")
    raise AttributeError(f"module 'telemetry' has no attribute {name!r}")

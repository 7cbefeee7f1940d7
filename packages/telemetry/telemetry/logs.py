"""Logging: all loggers write one JSON object per line (or a readable line with LOG_FORMAT=console).

structlog is configured as its documentation describes for the standard library. Its events become
records, like those of Django, gunicorn and other libraries. One handler on the root logger writes
all records by structlog's ProcessorFormatter.
https://www.structlog.org/en/stable/standard-library.html
"""

import logging
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from telemetry import lines, names, otel, shared
from telemetry.output import Output

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger
    from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FORMATS: Final = ("json", "console")

# Keys in which structlog keeps what its last step needs. It replaces fields of these names.
_STRUCTLOGS: Final = ("_record", "_from_structlog")
# Fields to which structlog gives a meaning, or which it loses.
_SPECIAL: Final = frozenset((*_STRUCTLOGS, "positional_args", names.LOG_STACK))

# A Collector that is down, or answers nonsense, would be complained about at each attempt.
_EXPORTERS: Final = ("opentelemetry", "urllib3", "grpc", "telemetry.collector")
_COMPLAIN_EVERY_SECONDS: Final = 60.0


@cache
def _logger(name: str) -> Any:
    import structlog

    return structlog.stdlib.get_logger(name)


class _Lazy:
    """A logger that loads structlog when it is first used, not when a module is imported."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_logger(self._name), attribute)


def get_logger(name: str) -> "BoundLogger":
    """Return a structlog logger: ``log.info(names.X_EVENT, field=value)``.

    A call never raises for what it is given, and always writes its line: a value that cannot be
    shown is named by its type.
    """
    return cast("BoundLogger", _Lazy(name))


@cache
def _processors() -> "list[Processor]":
    """Return what an event goes through: one list, which structlog's `capture_logs` empties."""
    import structlog

    return [
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.processors.StackInfoRenderer(),
        _renamed,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]


def _renamed(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Keep fields that structlog would replace, under names of their own."""
    for name in _STRUCTLOGS:
        if name in event:
            event[f"{name}_"] = event.pop(name)
    return event


class _Exporters(logging.Filter):
    """Let exporters' complaints through at most once a minute, over all workers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the record."""
        if not record.name.startswith(_EXPORTERS):
            return True
        return shared.may_complain(_COMPLAIN_EVERY_SECONDS)


def _without_request(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Leave Django's request objects out: their text has the query, which may hold anything."""
    if event["_record"].name.startswith("django"):
        event.pop("request", None)
    return event


def _sole_output(logger: logging.Logger) -> Output | None:
    """Return our handler, if it is all that would ever see a record of the logger."""
    if logger.filters:
        return None
    while not logger.handlers and logger.propagate and logger.parent is not None:
        logger = logger.parent
    handlers = logger.handlers
    if logger.parent is None and len(handlers) == 1 and type(handlers[0]) is Output:
        return handlers[0] if len(handlers[0].filters) == 1 else None  # its own
    return None


_access: Final = logging.getLogger("telemetry.access")


def access(level: int, fields: dict[str, Any]) -> None:
    """Write an access line, the one line that each request costs.

    Where our handler alone would see it, it takes a quarter of the time that the same event takes
    through structlog and logging; else it goes that way.

    Args:
        level: A level of the standard library.
        fields: As the event's keywords; they are not to change any more.
    """
    if not _access.isEnabledFor(level):
        return
    import structlog

    bound = structlog.contextvars.get_contextvars()
    output = _sole_output(_access) if structlog.is_configured() else None
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    if output is None or bound or not _SPECIAL.isdisjoint(fields) or _processors()[-1] is not wrap:
        write = getattr(_logger(_access.name), logging.getLevelName(level).lower())
        write(names.ACCESS_EVENT, **fields)
    else:
        output.write_event(_access.name, level, names.ACCESS_EVENT, fields)


def _choice(variable: str, allowed: tuple[str, ...], default: str) -> str:
    value = os.environ.get(variable, "").strip().lower() or default
    if value not in allowed:
        raise ValueError(f"{variable}={value}: must be one of {', '.join(allowed)}")
    return value


def level() -> str:
    """Return LOG_LEVEL (default info).

    Raises:
        ValueError: LOG_LEVEL is none of LEVELS.
    """
    return _choice("LOG_LEVEL", LEVELS, "info")


def configure_logging(service: str, stream: TextIO | None = None) -> None:
    """Make every logger of the process write through one handler, as LOG_LEVEL and LOG_FORMAT say.

    It also checks and completes OTEL_*: each command of a service does that first.

    Args:
        service: Value of the field ``service``.
        stream: Where lines go; standard output by default.

    Raises:
        SystemExit: LOG_LEVEL, LOG_FORMAT, TELEMETRY_FAST or an OTEL_* has a value that cannot
            work, or there is no stream; a line says which.
    """
    stream = stream or sys.stdout
    if stream is None:  # Python has none where the descriptor is closed
        raise SystemExit(
            "standard output is closed: log lines go there (to have none, open it to /dev/null)"
        )
    from telemetry import accelerator  # it writes lines itself

    try:
        accelerator.is_wanted()
        threshold, form = level(), _choice("LOG_FORMAT", FORMATS, "json")
        otel.complete()
    except ValueError as error:
        _configure(service, stream, "info", "json")
        get_logger("telemetry.logs").critical(names.START_REFUSED_EVENT, reason=str(error))
        raise SystemExit(1) from None
    _configure(service, stream, threshold, form)


def _configure(service: str, output: TextIO, chosen: str, form: str) -> None:
    import structlog

    render = lines.as_json if form == "json" else lines.for_people(colors=output.isatty())
    line = lines.Line(service, render)
    structlog.configure(
        processors=_processors(),
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = Output(output, line.of_event)
    handler.addFilter(_Exporters())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_request],
            processors=[line],
            # `Line` puts the arguments into the message: where they do not fit, no line is lost.
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    root = logging.getLogger()
    for before in root.handlers:
        if isinstance(before, Output):
            before.close()
    root.handlers[:] = [handler]
    root.setLevel(chosen.upper())
    logging.captureWarnings(capture=True)

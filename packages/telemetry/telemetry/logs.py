"""Log lines: one JSON object each (or one for people's eyes), whoever writes them.

structlog hands its events to the standard library, where Django's, gunicorn's and the libraries'
records arrive too; one handler on the root logger writes them all, by one formatter.
"""

import logging
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from telemetry import lines, names, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, FilteringBoundLogger

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FORMATS: Final = ("json", "console")

# A Collector that is down makes its exporter complain at each attempt.
_EXPORTERS: Final = ("opentelemetry", "urllib3", "grpc")
_COMPLAIN_EVERY_SECONDS: Final = 60.0


class _Lazy:
    """A logger that loads structlog when it is first used, not when a module is imported."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        import structlog

        bound = structlog.get_logger(self._name).bind()
        if structlog.is_configured():
            for level in ("exception", "bind", "log"):
                self.__dict__[level] = getattr(bound, level)
            # What structlog's own would do, with its layers: nothing is bound, no processor asked.
            events, threshold = _Events(self._name), logging.getLogger().level
            for level in LEVELS:
                on = getattr(logging, level.upper()) >= threshold
                self.__dict__[level] = getattr(events, level) if on else _ignore
        return getattr(self if attribute in self.__dict__ else bound, attribute)


def _ignore(*_: object, **__: object) -> None:
    """Take an event of a level that is off."""


def get_logger(name: str) -> "FilteringBoundLogger":
    """Return a structlog logger: ``log.info(names.X_EVENT, field=value)``."""
    return cast("FilteringBoundLogger", _Lazy(name))


class _Output(logging.StreamHandler[TextIO]):
    """Writes each line by one call to the system, which keeps short lines whole.

    logging has a thread hold a lock while it writes, and so lets go of the interpreter: all others
    that want to log then wait for a thread that waits for the interpreter.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        try:
            self._descriptor: int | None = stream.fileno()
        except OSError:  # a text in memory
            self._descriptor = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record's line if the filters let it through."""
        wanted = bool(self.filter(record))
        if wanted:
            self.emit(record)
        return wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line; where that fails, do as logging is set to."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 -- a full disk must not fail a request
            self.handleError(record)

    def emit_event(self, *given: Any) -> None:
        """Write the line of an event, as `Lines.line` takes it, without a record."""
        try:
            self._write(self.formatter.line(*given))  # type: ignore[union-attr]
        except Exception:  # noqa: BLE001 -- as above
            self.handleError(_record(*given[1:]))

    def _write(self, text: str) -> None:
        line = text + self.terminator
        if self._descriptor is None:
            self.stream.write(line)
            return
        data = line.encode()
        if len(data) <= select.PIPE_BUF:
            data = data[os.write(self._descriptor, data) :]  # all, unless a disk is nearly full
        if data:
            with self.lock:  # type: ignore[union-attr]
                while data:
                    data = data[os.write(self._descriptor, data) :]


def _record(
    name: str, level: str, event: str, exc_info: Any, fields: "Mapping[str, Any]"
) -> logging.LogRecord:
    number = getattr(logging, level.upper())
    record = logging.LogRecord(name, number, "", 0, event, (), exc_info)
    record.__dict__[lines.FIELDS] = fields
    return record


def _sole_output(logger: logging.Logger) -> _Output | None:
    """Return our handler, if it is all that would ever see a record of the logger."""
    if logger.filters:
        return None
    while not logger.handlers and logger.propagate and logger.parent is not None:
        logger = logger.parent
    handlers = logger.handlers
    if logger.parent is None and len(handlers) == 1 and type(handlers[0]) is _Output:
        return handlers[0] if len(handlers[0].filters) == 1 else None  # its own
    return None


class _Events:
    """A logger of the standard library that takes structlog's events.

    Its own methods would walk the stack for a file and a line that no line of ours shows. Nor is a
    record made for our handler alone.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def __getattr__(self, level: str) -> "Callable[..., None]":
        logger, number = self._logger, getattr(logging, level.upper())

        def write(event: str = "", *args: Any, exc_info: Any = None, **fields: Any) -> None:
            if not logger.isEnabledFor(number):
                return
            if args:
                event = event % args
            if isinstance(exc_info, BaseException):
                exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
            elif exc_info and not isinstance(exc_info, tuple):
                exc_info = sys.exc_info()
            if (output := _sole_output(logger)) and not logger.name.startswith(_EXPORTERS):
                output.emit_event(time.time(), logger.name, level, event, exc_info, fields)
            else:
                logger.handle(_record(logger.name, level, event, exc_info, fields))

        self.__dict__[level] = write
        return write


def _as_keywords(
    _logger: object, _method: str, event: "EventDict"
) -> "tuple[tuple[()], EventDict]":
    return (), event


def _escape(line: "EventDict") -> "EventDict":
    """Keep text from a client from breaking the line or steering a terminal."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = value.translate(lines.ESCAPES)
    if described := line.pop(names.LOG_EXCEPTION, None):
        line[names.LOG_EXCEPTION] = described["stacktrace"].translate(
            {code: text for code, text in lines.ESCAPES.items() if code != ord("\n")}
        )
    return line


class _Exporters(logging.Filter):
    """Let exporters' complaints through at most once a minute, over all workers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record is to be written."""
        if not record.name.startswith(_EXPORTERS):
            return True
        return shared.may_complain(_COMPLAIN_EVERY_SECONDS)


def _choice(variable: str, allowed: tuple[str, ...], default: str) -> str:
    value = os.environ.get(variable, "").strip().lower() or default
    if value not in allowed:
        raise ValueError(f"{variable}={value!r} is not one of {', '.join(allowed)}")
    return value


def level() -> str:
    """Return LOG_LEVEL (default info).

    Raises:
        ValueError: LOG_LEVEL is none of LEVELS.
    """
    return _choice("LOG_LEVEL", LEVELS, "info")


def configure_logging(service: str, stream: TextIO | None = None) -> None:
    """Make every logger of the process write through one handler, as LOG_LEVEL and LOG_FORMAT say.

    Args:
        service: Value of the field ``service``.
        stream: Where lines go; standard output by default.

    Raises:
        SystemExit: LOG_LEVEL or LOG_FORMAT has a value that is not allowed; a line says which.
    """
    try:
        threshold, form = level(), _choice("LOG_FORMAT", FORMATS, "json")
    except ValueError as error:
        _configure(service, stream, "info", "json")
        get_logger("telemetry.logs").critical(names.START_REFUSED_EVENT, reason=str(error))
        raise SystemExit(1) from None
    _configure(service, stream, threshold, form)


def _configure(service: str, stream: TextIO | None, chosen: str, form: str) -> None:
    import structlog

    threshold = getattr(logging, chosen.upper())
    output = stream or sys.stdout
    render = lines.as_json
    if form == "console":
        console = structlog.dev.ConsoleRenderer(
            colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        render = lambda line: str(console(None, "", _escape(line)))  # noqa: E731
    structlog.configure(
        processors=[_as_keywords],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Events,
        cache_logger_on_first_use=False,
    )
    handler = _Output(output)
    handler.addFilter(_Exporters())
    handler.setFormatter(lines.Lines(service, render))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    logging.captureWarnings(capture=True)

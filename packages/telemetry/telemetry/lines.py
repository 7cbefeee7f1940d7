"""Log lines from records and events: without secrets, with fields in a fixed order."""

import json
import logging
import sys
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from telemetry import context, current, names
from telemetry.redaction import clean, is_secret, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict

MAX_STACK: Final = 16_384  # characters kept of a stack trace

# C0 and C1 controls, DEL, and Unicode's line and paragraph separators.
ESCAPES: Final = {
    code: ascii(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}
_JSON_ESCAPES: Final = {code: f"\\u{code:04x}" for code in ESCAPES if code >= ord("\x7f")}

# Routes, addresses and user agents come again and again: that they are harmless is remembered.
_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 256  # characters
_UNIQUE: Final = frozenset({names.LOG_REQUEST_ID, names.LOG_TRACE_ID, names.LOG_SPAN_ID})
_NUMBERS: Final = frozenset((int, float, bool, type(None)))


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _stamp(created: float) -> str:
    seconds = int(created)
    return f"{_second(seconds)}.{int((created - seconds) * 1e6):06}Z"


def _exception(exc: BaseException) -> dict[str, str]:
    stack = "".join(traceback.format_exception(exc))
    return {
        "type": f"{type(exc).__module__}.{type(exc).__qualname__}".removeprefix("builtins."),
        "message": clean("", shown(exc)),
        # The end of a stack says where it broke. Cut before, a secret would be without its name.
        "stacktrace": clean("", stack, len(stack))[-MAX_STACK:],
    }


class Line:
    """Makes one line of a record or an event: a processor of structlog's formatter."""

    def __init__(self, service: str, render: "Callable[[EventDict], str]") -> None:
        """Say what the field ``service`` is, and what makes a text of all fields."""
        self._service = service
        self._render = render

    def __call__(self, _: object, __: str, given: "EventDict") -> str:
        """Return the line, without its end, of what ProcessorFormatter hands to a processor."""
        record: logging.LogRecord = given.pop("_record")
        arguments, exc_info = given.pop("positional_args", ()), given.pop("exc_info", None)
        stack = given.pop("stack_info", None)
        if given.get("stack"):  # of structlog; a field of that name without a value stays a field
            stack = given.pop("stack")
        event = record.msg
        if given.pop("_from_structlog"):
            event = given.pop(names.LOG_EVENT, "")
        elif given.get(names.LOG_EVENT) == shown(event):
            del given[names.LOG_EVENT]  # else a field of that name replaced it
        level = record.levelname.lower()
        line = self._line(record.created, record.name, level, _message(event, arguments), given)
        if error := _error(exc_info):
            line[names.LOG_EXCEPTION] = _exception(error)
        if stack:
            line[names.LOG_STACK] = clean("", str(stack), MAX_STACK)
        return self._render(line)

    def of_event(
        self, created: float, logger: str, level: str, event: str, fields: "Mapping[str, Any]"
    ) -> str:
        """Return the line of an event that has no exception; created is in seconds."""
        return self._render(self._line(created, logger, level, event, fields))

    def _line(
        self, created: float, logger: str, level: str, event: Any, fields: "Mapping[str, Any]"
    ) -> "EventDict":
        line: EventDict = {
            names.LOG_TIMESTAMP: _stamp(created),
            names.LOG_LEVEL: level,
            names.LOG_EVENT: clean("", event),
            names.LOG_LOGGER: logger,
            names.LOG_SERVICE: self._service,
        }
        if request_id := context.request_id():
            line[names.LOG_REQUEST_ID] = request_id
        if names.LOG_TRACE_ID not in fields and (found := current.ids()):
            line[names.LOG_TRACE_ID], line[names.LOG_SPAN_ID] = found
        for key, value in fields.items():
            kind = type(value)
            if kind is str:
                fit = value if (key, value) in _harmless else _text(key, value)
            elif kind in _NUMBERS and not is_secret(key):
                fit = value
            else:
                fit = clean(key, value)
            # A field never replaces what the line itself says.
            line[key if key not in line else f"{key}_"] = fit
        return line


def _message(event: Any, arguments: Any) -> Any:
    """Put arguments into a message as logging does; where they do not fit, show both."""
    if not arguments:
        return event
    try:
        # logging takes a single mapping for named places.
        return str(event) % arguments
    except Exception:  # noqa: BLE001 -- a wrong format must not fail who logs
        return f"{shown(event)} {shown(arguments)}"


def _error(exc_info: Any) -> BaseException | None:
    """Return the exception of each form that logging and structlog take."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return next((each for each in exc_info if isinstance(each, BaseException)), None)
    return sys.exc_info()[1] if exc_info else None


def broken(record: logging.LogRecord, error: Exception) -> str:
    """Return a line of a record of which no better one can be made, and why."""
    line = {
        names.LOG_TIMESTAMP: _stamp(record.created),
        names.LOG_LEVEL: record.levelname.lower(),
        names.LOG_EVENT: clean("", shown(record.msg)),
        names.LOG_LOGGER: record.name,
        "log_error": type(error).__name__,
    }
    return json.dumps(line)


_harmless: set[tuple[str, str]] = set()


def _text(key: str, text: str) -> str:
    """Return a text fit for a line; remember it if it was so before."""
    if key in _UNIQUE and text.isalnum() and len(text) <= _LONGEST_REMEMBERED:
        return text
    fit = str(clean(key, text))
    if fit == text and len(text) <= _LONGEST_REMEMBERED and key not in _UNIQUE:
        if len(_harmless) >= _REMEMBERED:
            _harmless.clear()  # what comes often is soon there again
        _harmless.add((key, text))
    return fit


def as_json(line: "EventDict") -> str:
    """Return a line as JSON, one line to every reader."""
    import orjson

    try:
        text = orjson.dumps(line).decode()
    except orjson.JSONEncodeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(line, default=shown)
    # JSON escapes C0 alone; to some readers NEL or U+2028 ends a line too.
    return text if text.isascii() else text.translate(_JSON_ESCAPES)


def for_people(*, colors: bool) -> "Callable[[EventDict], str]":
    """Return what shows a line to a person at a terminal, which no text of a client steers."""
    import structlog

    console = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )
    return lambda line: str(console(None, "", _escaped(line)))


def _escaped(line: "EventDict") -> "EventDict":
    for key, value in line.items():
        if isinstance(value, str) and key != names.LOG_STACK:
            line[key] = value.translate(ESCAPES)
    over_lines = {code: text for code, text in ESCAPES.items() if code != ord("\n")}
    if described := line.pop(names.LOG_EXCEPTION, None):
        line[names.LOG_EXCEPTION] = described["stacktrace"].translate(over_lines)
    if stack := line.pop(names.LOG_STACK, None):
        line["stack"] = stack.translate(over_lines)
    return line

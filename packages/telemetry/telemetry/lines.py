"""Log lines, each made of a record or of an event: secrets out, fields in a fixed order."""

import logging
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from telemetry import context, names, tracing
from telemetry.redaction import clean, is_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict

FIELDS: Final = "telemetry_fields"  # of a record: what an event has beside its name
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
        "message": clean("", str(exc)),
        # The end of a stack says where it broke. Cut before, a secret would be without its name.
        "stacktrace": clean("", stack, len(stack))[-MAX_STACK:],
    }


class Lines(logging.Formatter):
    """Makes one line of a record or an event."""

    def __init__(self, service: str, render: "Callable[[EventDict], str]") -> None:
        """Say what the field ``service`` is, and what makes a text of all fields."""
        super().__init__()
        self._service = service
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, without its end."""
        name, level, fields = record.name, record.levelname.lower(), record.__dict__.get(FIELDS)
        return self.line(
            record.created, name, level, record.getMessage(), record.exc_info, fields or {}
        )

    def line(
        self,
        created: float,
        logger: str,
        level: str,
        event: str,
        exc_info: Any,
        fields: "Mapping[str, Any]",
    ) -> str:
        """Return a line without its end; created is in seconds, fields come last."""
        line: EventDict = {
            names.LOG_TIMESTAMP: _stamp(created),
            names.LOG_LEVEL: level,
            names.LOG_EVENT: clean("", event),
            names.LOG_LOGGER: logger,
            names.LOG_SERVICE: self._service,
        }
        if request_id := context.request_id():
            line[names.LOG_REQUEST_ID] = request_id
        if names.LOG_TRACE_ID not in fields and (found := tracing.ids()):
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
        if exc_info and exc_info[1]:
            line[names.LOG_EXCEPTION] = _exception(exc_info[1])
        return self._render(line)


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
        import json

        return json.dumps(line, default=str)
    # JSON escapes C0 alone; to some readers NEL or U+2028 ends a line too.
    return text if text.isascii() else text.translate(_JSON_ESCAPES)

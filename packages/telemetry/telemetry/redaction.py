"""Removes secrets from texts that leave the process, and limits their length."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import unquote_plus

# Longest text kept of one field, in characters.
MAX_TEXT: Final = 2_048
# Most items kept of one field's collections, at all depths together.
MAX_ITEMS: Final = 1_000
MAX_DEPTH: Final = 32

T = TypeVar("T")

REDACTED: Final = "[redacted]"
# Parts of the names of secrets, as expressions that Go's syntax knows too: the gateway's redaction
# (platform/otel-collector/values.yaml) has the same list. It includes the parameters of signed URLs
# that the semantic conventions ask to redact in url.query: AWSAccessKeyId, Signature, sig,
# X-Goog-Signature.
# https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/
SECRET_NAMES: Final = (
    "authorization",
    "cookie",
    "token",
    "secret",
    "passw",
    "credential",
    "api[-_.]?key",
    "access[-_.]?key",
    "session",
    "signature",
    r"\bsig\b",
)
_NAMES: Final = "|".join(SECRET_NAMES)
_SECRET_KEY: Final = re.compile(_NAMES, re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(://[^\s/:@]*:)[^\s/]*@")
# Repetitions are bounded, because a client may send a text that would be slow otherwise.
_COOKIES: Final = re.compile(r"""(cookie["']?\s{0,4}[=:]\s{0,4})[^"'\r\n]{1,4096}""", re.IGNORECASE)
_VALUE: Final = r"""(?:"[^"]{0,256}"|'[^']{0,256}'|["']?[^\s"'&,;]+)"""
# After a colon there may be prose: it goes only where it is quoted, long, or has a digit.
_NO_PROSE: Final = r"""(?=["']|[^\s"'&,;]{0,64}\d|[^\s"'&,;]{20})"""
_SECRET_ASSIGNMENT: Final = re.compile(
    rf"""((?:{_NAMES})[\w-]{{0,32}}["']?\s{{0,4}}"""
    rf"""(?:=(?!=)\s{{0,4}}|:(?!:)\s{{0,4}}{_NO_PROSE}))(?!\[redacted\]){_VALUE}""",
    re.IGNORECASE,
)

# Each of the patterns above needs one of these: most texts have none, and are looked at once.
_SUSPECT: Final = re.compile(r"[\s@=:]")


def redact_query(query: str) -> str:
    """Return a query string with the values of secrets replaced, as the conventions ask."""
    return "&".join(map(_redact_parameter, query.split("&")))


def _redact_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    is_secret_name = equals and _SECRET_KEY.search(unquote_plus(name))
    return f"{name}=REDACTED" if is_secret_name else parameter


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Say whether a field of this name holds a secret."""
    return _SECRET_KEY.search(key) is not None


def _without_secrets(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    text = _SECRET_TEXT.sub(rf"\1 {REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
    text = _COOKIES.sub(rf"\1{REDACTED}", text)
    return _SECRET_ASSIGNMENT.sub(rf"\1{REDACTED}", text)


def shown(value: Any) -> str:
    """Return a value's text; one that has none, because its code raises, is named by its type."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- whatever its code does
        return f"<{type(value).__name__} without a text>"


def clean(key: str, value: Any, limit: int = MAX_TEXT) -> Any:
    """Return a field's value fit for a line.

    Args:
        key: The field's name: some say that a secret is below.
        value: Anything; what is neither number nor collection becomes a text.
        limit: Longest text kept, in characters.

    Returns:
        The value, secrets by key or by scheme redacted, texts bounded, at any depth; collections
        are cut after MAX_ITEMS in all, below MAX_DEPTH, and where one holds itself.
    """
    return _clean(key, value, limit, _Items(MAX_ITEMS))


class _Items:
    """The number of items that may still be shown, and the collections around them."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.around: set[int] = set()


def _clean(key: str, value: Any, limit: int, items: _Items) -> Any:
    if is_secret(key):
        return value if value is None or isinstance(value, bool) else REDACTED
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _clean_items(key, value, limit, items)
    text = value if isinstance(value, str) else shown(value)
    return _without_secrets(text[:limit])


def _clean_items(key: str, value: Any, limit: int, items: _Items) -> Any:
    if id(value) in items.around:
        return "<itself>"
    if len(items.around) >= MAX_DEPTH:
        return "<too deep>"
    items.around.add(id(value))
    try:
        if isinstance(value, dict):
            return {
                (name := shown(inner_key)): _clean(name, inner, limit, items)
                for inner_key, inner in _taken(value.items(), items)
            }
        return [_clean(key, inner, limit, items) for inner in _taken(value, items)]
    finally:
        items.around.discard(id(value))


def _taken(values: Iterable[T], items: _Items) -> Iterator[T]:
    for value in values:
        if items.left <= 0:
            return
        items.left -= 1
        yield value

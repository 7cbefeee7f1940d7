"""Secrets out of texts that leave the process, and texts bounded."""

import re
from functools import lru_cache
from typing import Any, Final

# Longest text kept of one field, in characters.
MAX_TEXT: Final = 2_048

REDACTED: Final = "[redacted]"
_SECRET_WORDS: Final = r"authorization|cookie|token|secret|passw|credential|api[_-]?key|session"  # noqa: S105
_SECRET_KEY: Final = re.compile(_SECRET_WORDS, re.IGNORECASE)
_SECRET_PARAMETER: Final = re.compile(rf"((?:{_SECRET_WORDS})[^=&]*=)[^&]*", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(://[^\s/:@]*:)[^\s/]*@")
# Repetitions are bounded, for a text may be a client's and made to be slow.
_SECRET_ASSIGNMENT: Final = re.compile(
    rf"((?:{_SECRET_WORDS})[\w-]{{0,32}}\s?=(?!=)\s?)"
    r"""(?:"[^"]{0,256}"|'[^']{0,256}'|["']?[^\s"'&,;]+)""",
    re.IGNORECASE,
)

# Each of the three above needs one of these: most texts have none, and are looked at once.
_SUSPECT: Final = re.compile(r"[\s@=]")


def redact_query(query: str) -> str:
    """Return a query string with the values of secrets replaced, as the conventions ask."""
    return _SECRET_PARAMETER.sub(r"\1REDACTED", query)


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Say whether a field of this name holds a secret."""
    return _SECRET_KEY.search(key) is not None


def _without_secrets(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    text = _SECRET_TEXT.sub(rf"\1 {REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
    return _SECRET_ASSIGNMENT.sub(rf"\1{REDACTED}", text)


def clean(key: str, value: Any, limit: int = MAX_TEXT) -> Any:
    """Return a field's value fit for a line.

    Args:
        key: The field's name: some say that a secret is below.
        value: Anything; what is neither number nor collection becomes a text.
        limit: Longest text kept, in characters.

    Returns:
        The value, secrets by key or by scheme redacted, texts bounded, at any depth.
    """
    if is_secret(key):
        return value if value is None or isinstance(value, bool) else REDACTED
    if isinstance(value, str):
        return _without_secrets(value[:limit])
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {str(name): clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(key, inner) for inner in value]
    return clean(key, str(value))

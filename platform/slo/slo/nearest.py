"""The value that somebody probably meant who wrote a value that never occurs."""

import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from fnmatch import translate

_LISTED = 8


def nearest(wrong: str, right: Sequence[str]) -> str:
    """Suggest values for a wrong one, in the form that a declaration takes them.

    Args:
        wrong: what was written: misspelt, or a pattern where a value must stand.
        right: the values that there are; one at least.
    """
    for pattern in _patterns(wrong):
        found = [value for value in right if pattern.fullmatch(value)]
        if form := _form(found, right):
            return form
    numbers = [value for value in right if value.isdecimal()]
    if wrong.isdecimal() and numbers:
        return f'"{min(numbers, key=lambda value: abs(int(value) - int(wrong)))}"'
    (close,) = difflib.get_close_matches(wrong.lower(), right, n=1, cutoff=0)
    return f'"{close}"'


def nearest_name(wrong: str, right: Iterable[str]) -> str:
    """Suggest a name for a wrong one: one that contains it, else the most similar."""
    names = list(right)
    within = [name for name in names if wrong in name]
    (close,) = difflib.get_close_matches(wrong, within or names, n=1, cutoff=0)
    return close


def _patterns(wrong: str) -> Iterable[re.Pattern[str]]:
    """Read a text as people mean it: as a glob, with x for any digit, as a regular expression."""
    digits = wrong.lower().replace("x", "?")
    globs = (translate(each) for each in (wrong, digits, f"{digits}*"))
    for reading in (*globs, wrong):
        try:
            yield re.compile(reading, re.IGNORECASE)
        except re.error:
            continue


def _form(found: Sequence[str], right: Sequence[str]) -> str | None:
    """Write values as one, as a prefix, or as a short list; None if there is no short form."""
    if len(found) == 1:
        return f'"{found[0]}"'
    prefix = _common_prefix(found)
    if prefix and [value for value in right if value.startswith(prefix)] == list(found):
        return f'{{prefix: "{prefix}"}}'
    if 0 < len(found) <= _LISTED:
        return "[{}]".format(", ".join(f'"{value}"' for value in found))
    return None


def _common_prefix(texts: Sequence[str]) -> str:
    first = min(texts, default="")
    last = max(texts, default="")
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in same)


def summary(values: Sequence[str]) -> str:
    """List values for a message, many of them by the first and the last."""
    if len(values) > 2 * _LISTED:
        return f"{values[0]} to {values[-1]}"
    return ", ".join(values)

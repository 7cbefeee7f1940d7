"""Structured label matchers: one form of declaration, one PromQL rendering."""

import re
from dataclasses import dataclass
from typing import Protocol

_RE2_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


class Matcher(Protocol):
    """A selector of values of one label."""

    def promql(self, label: str) -> str:
        """Render as a PromQL label matcher."""
        ...

    def accepts(self, value: str) -> bool:
        """Tell whether the value is picked."""
        ...


@dataclass(frozen=True)
class OneOf:
    """Picks the listed values."""

    values: tuple[str, ...]

    def promql(self, label: str) -> str:
        """Render as an equality, or as a regular expression of quoted alternatives."""
        if len(self.values) == 1:
            return f"{label}={quoted(self.values[0])}"
        return f"{label}=~{quoted('|'.join(literal(value) for value in self.values))}"

    def accepts(self, value: str) -> bool:
        """Tell whether the value is listed."""
        return value in self.values


@dataclass(frozen=True)
class Prefix:
    """Picks the values that begin with `prefix`, or with `negated` those that do not."""

    prefix: str
    negated: bool = False

    def promql(self, label: str) -> str:
        """Render as an anchored regular expression."""
        return f"{label}{'!~' if self.negated else '=~'}{quoted(literal(self.prefix) + '.*')}"

    def accepts(self, value: str) -> bool:
        """Tell whether the value begins, or does not begin, with the prefix."""
        return value.startswith(self.prefix) != self.negated


def literal(text: str) -> str:
    """Escape what RE2 would read as syntax, as Go's `regexp.QuoteMeta` does."""
    return _RE2_SPECIAL.sub(r"\\\1", text)


def quoted(text: str) -> str:
    """Write a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

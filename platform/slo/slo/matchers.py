"""Structured label matchers: one form of declaration, one PromQL rendering, sample values."""

import re
from dataclasses import dataclass
from typing import Protocol

_RE2_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


class Matcher(Protocol):
    """What picks values of one label."""

    def promql(self, label: str) -> str:
        """Render as a PromQL label matcher."""
        ...

    def accepts(self, value: str) -> bool:
        """Tell whether the value is picked."""
        ...

    def sample(self) -> str:
        """Make up a value that is picked."""
        ...

    def within(self, other: "Matcher") -> bool:
        """Tell whether every value picked here is picked by the other too."""
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

    def sample(self) -> str:
        """Give the first listed value."""
        return self.values[0]

    def within(self, other: Matcher) -> bool:
        """Tell whether the other accepts every listed value."""
        return all(other.accepts(value) for value in self.values)


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

    def sample(self) -> str:
        """Make up a value; three digits where the prefix is that of a status code."""
        candidates = ("200", "400") if self.negated else (f"{self.prefix}00",)
        return next(value for value in candidates if self.accepts(value))

    def within(self, other: Matcher) -> bool:
        """Tell whether the other is the same, or a shorter prefix that includes this one."""
        if isinstance(other, Prefix) and not self.negated and not other.negated:
            return self.prefix.startswith(other.prefix)
        if isinstance(other, Prefix) and not self.negated:
            return not other.prefix.startswith(self.prefix) and other.accepts(self.prefix)
        return self == other


def literal(text: str) -> str:
    """Escape what RE2 would read as syntax, as Go's `regexp.QuoteMeta` does."""
    return _RE2_SPECIAL.sub(r"\\\1", text)


def quoted(text: str) -> str:
    """Write a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

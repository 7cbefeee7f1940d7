"""Selectors that match nothing by the contract of the metric, and the probable meaning."""

from collections.abc import Iterator, Sequence

from slo.contract import Family
from slo.matchers import Matcher, OneOf, Prefix
from slo.nearest import nearest, nearest_name, summary


def impossible(
    family: Family, label: str, matcher: Matcher
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield what a matcher asks for that no series of the family has.

    Each item is the place within the matcher (the index of a listed value) and a message.
    """
    if label not in family.values:
        yield (), _no_label(family, label)
        return
    values = family.values[label]
    if values is None:
        return
    match matcher:
        case OneOf(listed):
            for index, value in enumerate(listed):
                if value not in values:
                    yield (index,), _never(f"{value!r} is no value of {label}", value, values)
        case Prefix(prefix, negated) if not any(value.startswith(prefix) for value in values):
            what = f"no value of {label} begins with {prefix!r}"
            what += ", so nothing is left out" if negated else ""
            yield (), _never(what, prefix, values)


def _no_label(family: Family, label: str) -> str:
    if not family.values:
        return f"{family.name} has no label"
    right = nearest_name(label, family.values)
    listed = ", ".join(family.values)
    return f"{label!r} is no label of {family.name}: write {right!r} (labels: {listed})"


def _never(what: str, wrong: str, values: Sequence[str]) -> str:
    return f"{what}: write {nearest(wrong, values)} (values: {summary(values)})"

"""Events that selectors pick, out of all that the contract of a metric allows."""

import itertools
from collections.abc import Iterator, Sequence

from slo.contract import Event, Family
from slo.matchers import Matcher, OneOf, Prefix
from slo.model import Selector, Source

# Values that people expect in a test, where there is a choice.
_USUAL = ("GET", "200", "400", "500")


def leftover(whole: Sequence[Selector], part: Sequence[Selector], family: Family) -> Event | None:
    """Give an event that some selector of `whole` picks and none of `part` does.

    The search is complete: of each label it tries one value of every kind that the matchers can
    tell apart.

    Returns:
        The event's labels, or None where `part` picks all that `whole` picks.
    """
    for selector in whole:
        for event in _events(selector, [*whole, *part], family):
            if not any(picks(each, event) for each in part):
                return event
    return None


def samples(source: Source) -> list[Event | None]:
    """Give an event that each selector of a source picks.

    None stands for what a selector lists and the contract does not allow: in production such
    events have other labels.
    """
    found: list[Event | None] = []
    for selector in source.selectors:
        labels = dict.fromkeys([*source.family.values, *selector])
        chosen = {label: _chosen(selector.get(label), source.family, label) for label in labels}
        event = {label: value for label, (value, *_) in chosen.items() if value is not None}
        if len(event) == len(chosen) and event not in found:
            found.append(event)
        if any(None in values for values in chosen.values()):
            found.append(None)
    return found


def exists_from_start(source: Source) -> bool:
    """Tell whether a source has series before its first event."""
    return any(counts(source, event) for event in source.family.initial)


def picks(labels: Selector, event: Event) -> bool:
    """Tell whether a selector picks an event; a label that it lacks is empty, as in Prometheus."""
    return all(matcher.accepts(event.get(label, "")) for label, matcher in labels.items())


def counts(source: Source, event: Event) -> bool:
    """Tell whether a source counts an event."""
    return any(picks(labels, event) for labels in source.selectors)


def _events(selector: Selector, all_: Sequence[Selector], family: Family) -> Iterator[Event]:
    choices = dict(_choices(selector, all_, family))
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _choices(
    selector: Selector, all_: Sequence[Selector], family: Family
) -> Iterator[tuple[str, list[str]]]:
    """List, by label, values that a selector accepts: one of each kind that `all_` tell apart."""
    for label in dict.fromkeys([*family.values, *(label for each in all_ for label in each)]):
        kinds = _kinds([each[label] for each in all_ if label in each], family.values.get(label))
        matcher = selector.get(label)
        yield label, [value for value in kinds if matcher is None or matcher.accepts(value)]


def _chosen(matcher: Matcher | None, family: Family, label: str) -> list[str | None]:
    """List values that a matcher picks, or one; None for what the contract does not allow."""
    if label not in family.values:
        return [None]
    values = family.values[label]
    if isinstance(matcher, OneOf):
        return [each if values is None or each in values else None for each in matcher.values]
    matchers = [] if matcher is None else [matcher]
    kinds = _kinds(matchers, values)
    return [next((each for each in kinds if all(m.accepts(each) for m in matchers)), None)]


def _kinds(matchers: Sequence[Matcher], values: Sequence[str] | None) -> list[str]:
    """List values of which the matchers treat every possible one like one listed."""
    if values is None:
        values = list(_made_up(matchers))
    kinds: dict[tuple[bool, ...], str] = {}
    for value in (*(usual for usual in _USUAL if usual in values), *values):
        kinds.setdefault(tuple(each.accepts(value) for each in matchers), value)
    return list(kinds.values())


def _made_up(matchers: Sequence[Matcher]) -> Iterator[str]:
    """Make up values of which each matcher treats every possible one like one of them."""
    listed = {
        value for matcher in matchers if isinstance(matcher, OneOf) for value in matcher.values
    }
    prefixes = {matcher.prefix for matcher in matchers if isinstance(matcher, Prefix)}
    yield from sorted(listed)
    for prefix in ("", *sorted(prefixes)):
        yield _fresh(prefix, listed | prefixes)


def _fresh(prefix: str, known: set[str]) -> str:
    """Make up a value with this prefix that is no known one, and has no longer known prefix."""
    endings = itertools.chain(
        ["00" if prefix else "any"], map("other-{}".format, itertools.count())
    )
    return next(
        value
        for value in map(prefix.__add__, endings)
        if not any(
            text.startswith(value) or (len(text) > len(prefix) and value.startswith(text))
            for text in known
        )
    )

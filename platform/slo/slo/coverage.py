"""Made-up events: one that selectors leave over, or the proof that there is none."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from slo.matchers import Matcher, OneOf, Prefix
from slo.model import Selector


def leftover(whole: Sequence[Selector], part: Sequence[Selector]) -> Mapping[str, str] | None:
    """Make up labels that some selector of `whole` picks and none of `part` does.

    The search is complete: of each label it tries one value of every kind that the matchers can
    tell apart.

    Returns:
        The labels, or None where `part` picks all that `whole` picks.
    """
    matchers: dict[str, list[Matcher]] = {}
    for label, matcher in (pair for each in (*whole, *part) for pair in each.items()):
        matchers.setdefault(label, []).append(matcher)
    values = {label: list(_kinds(found)) for label, found in matchers.items()}
    for labels in whole:
        choices = [
            [
                value
                for value in values[label]
                if label not in labels or labels[label].accepts(value)
            ]
            for label in values
        ]
        for chosen in itertools.product(*choices):
            event = dict(zip(values, chosen, strict=True))
            if not any(picks(each, event) for each in part):
                return event
    return None


def picks(labels: Selector, event: Mapping[str, str]) -> bool:
    """Tell whether a selector picks an event; a label that it lacks is empty, as in Prometheus."""
    return all(matcher.accepts(event.get(label, "")) for label, matcher in labels.items())


def _kinds(matchers: Iterable[Matcher]) -> Iterable[str]:
    """List values of which each matcher treats every possible one like one listed."""
    listed: set[str] = set()
    prefixes: set[str] = set()
    for matcher in matchers:
        match matcher:
            case OneOf(values):
                listed.update(values)
            case Prefix(prefix):
                prefixes.add(prefix)
    known = listed | prefixes
    fresh = [_fresh(prefix, known) for prefix in ("", *sorted(prefixes))]
    # Status codes first: they are what people expect to read in a test.
    return dict.fromkeys(["200", "400", *sorted(listed), *fresh])


def _fresh(prefix: str, known: Iterable[str]) -> str:
    """Make up a value with this prefix that is no known one, and has no longer known prefix."""
    endings = itertools.chain(["00"], map("other-{}".format, itertools.count()))
    return next(
        value
        for value in map(prefix.__add__, endings)
        if not any(
            text.startswith(value) or (len(text) > len(prefix) and value.startswith(text))
            for text in known
        )
    )

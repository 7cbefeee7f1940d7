"""Recorded series that rules read, and their age: in step, or one interval late."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slo.rules import Group, Rule

# The default limit of Mimir for one group (`ruler_max_rules_per_rule_group`).
MOST_RULES = 20
_READ = re.compile(r'(slo:\w+:\w+)\{service_name="[^"]*", slo="([^"]*)"\}')


@dataclass(frozen=True)
class Late:
    """A rule that reads what another group records: the last evaluation's, at most one late."""

    group: str
    rule: str
    reads: str
    of: str


def late(groups: Sequence[Group]) -> Iterator[Late]:
    """Yield the reads over the bounds of groups.

    Raises:
        ValueError: a rule reads what its own group records after it, or what nothing records.
    """
    recorded = {
        (rule.name, rule.labels.get("slo", "")): (group.name, place)
        for group in groups
        for place, rule in enumerate(group.rules)
        if not rule.is_alert
    }
    for group in groups:
        for place, rule in enumerate(group.rules):
            for read in dict.fromkeys(_READ.findall(rule.expr)):
                if read not in recorded:
                    raise ValueError(f"{rule.name} reads {read[0]}, which nothing records")
                where, before = recorded[read]
                if where != group.name:
                    yield Late(group.name, rule.name, read[0], where)
                elif before >= place:
                    raise ValueError(f"{rule.name} reads {read[0]} before it is recorded")


def wrong(groups: Sequence[Group]) -> list[str]:
    """Return what is wrong with how rules are grouped; a page must see the moment's rates."""
    found = [
        f"{group.name} has {len(group.rules)} rules"
        for group in groups
        if len(group.rules) > MOST_RULES
    ]
    pages = {rule.name for group in groups for rule in group.rules if _is_page(rule)}
    try:
        found += [
            f"the page {each.rule} reads {each.reads} of {each.of}"
            for each in late(groups)
            if each.rule in pages
        ]
    except ValueError as error:
        found.append(str(error))
    return found


def _is_page(rule: Rule) -> bool:
    return rule.is_alert and rule.labels["severity"] == "page"

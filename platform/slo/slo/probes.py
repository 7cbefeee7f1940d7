"""Probes from outside: counters that Cloudprober has of a service, and what their labels can be.

A prober that counts is read like a service that counts: no probe between two scrapes is lost.
"""

from collections.abc import Iterable
from typing import Final

from slo.contract import Family

TOTAL: Final = "cloudprober_total"
SUCCESS: Final = "cloudprober_success"
COUNTERS: Final = (TOTAL, SUCCESS)

PROBE: Final = "probe"
_TYPE: Final = "ptype"
_TARGET: Final = "dst"


def family(routes: Iterable[str]) -> Family:
    """Tell what a prober counts of a service; a probe has the name of the route that it asks for.

    Every probe counts from its start: without its series the prober is gone.
    """
    named = tuple(routes)
    return Family(
        "cloudprober",
        histogram=False,
        values={_TYPE: ("http",), PROBE: named, _TARGET: None},
        initial=tuple({_TYPE: "http", PROBE: route} for route in named),
        outside=True,
    )

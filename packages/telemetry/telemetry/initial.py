"""Series that exist with the value 0 before the first event.

The first error is then an increase from 0. Prometheus cannot see an increase in a series that
begins at 1. Services and the SLO compiler use this module.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Final

from telemetry import names

STATUSES: Final = (200, 500, 503)
"""Statuses that each method and route has from the start."""

MOST: Final = 100
"""A metric with more label sets than this has no series before its events."""


def of_requests(operations: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs of method and route that are counted from the start, in order.

    Args:
        operations: Pairs of method and route template, as ``("GET", "/ports/{id}")``.
    """
    pairs = set(operations)
    pairs |= {(method, names.ROUTE_OVERLOAD) for method, _ in pairs}
    return sorted({*pairs, (names.METHOD_OTHER, names.ROUTE_UNMATCHED)})


def of_metric(metric: names.Metric) -> Iterator[tuple[str, ...]]:
    """Yield the label values of each series of a metric.

    There are none if a label can have any value, nor if there were more than MOST series.
    """
    if all(label in metric.values for label in metric.labels):
        values = [metric.values[label] for label in metric.labels]
        if math.prod(map(len, values)) <= MOST:
            yield from itertools.product(*values)

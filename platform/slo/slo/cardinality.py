"""Most series that one pod of a service makes, by its contract."""

import math
from collections.abc import Iterator
from typing import Final

from telemetry import initial, names

from slo.contract import Contract

METHODS: Final = len(names.METHODS) + 1
"""Values of the label for the method: the standard ones, and one for all others."""

# Methods that a route may take with a database alone; the OpenAPI document does not name them then.
_WRITING: Final = ("DELETE", "PATCH", "POST", "PUT")

OTHER_ROUTES: Final = ("/docs", "/docs/static/{name}", "/metrics", "/openapi.json")
"""Routes of every service that the OpenAPI document does not name."""

_READ: Final = frozenset((200, 304, 400, 404, 412, 500, 503))

# The server's answers before a route is known. Only a request that it understands keeps its method.
_UNMATCHED: Final = frozenset((404, 408, 411, 414, 415))
_MALFORMED: Final = _UNMATCHED | {200, 400, 403, 413, 417, 431, 500, 503}

# Series of the libraries (telemetry.names.LIBRARY_METRICS): 45 were counted with a database, and
# each kind of error of a database adds one.
_LIBRARIES: Final = 100


def most_series(contract: Contract) -> dict[str, int]:
    """Return the largest number of series of each metric on one scrape of one pod.

    The sum is a bound: no request makes a pod exceed it, whatever its path, method, host or header.

    Raises:
        UnknownRoutesError: The OpenAPI document cannot be read.
    """
    counted = {
        name: _label_sets(metric, contract) * _series(metric)
        for name, metric in contract.metrics.items()
    }
    return {**counted, "libraries": _LIBRARIES}


def most_labels(contract: Contract) -> int:
    """Return the largest number of labels of one series, with `__name__` and `le`."""
    return max(
        len(metric.labels) + 1 + (metric.kind == "histogram")
        for metric in contract.metrics.values()
    )


def _series(metric: names.Metric) -> int:
    """Return the series of one label set: a histogram has `+Inf`, sum and count too."""
    return len(metric.buckets) + 3 if metric.kind == "histogram" else 1


def _label_sets(metric: names.Metric, contract: Contract) -> int:
    match metric.name:
        case names.HTTP_SERVER_DURATION:
            return sum(_of_requests(contract))
        case names.HTTP_SERVER_ABORTED:
            routes = {route for _, route in contract.operations}
            return (len(routes) + len(OTHER_ROUTES) + 2) * len(names.ABORTED_BY)
    if all(label in metric.values for label in metric.labels):
        return math.prod(len(metric.values[label]) for label in metric.labels)
    return metric.most


def _of_requests(contract: Contract) -> Iterator[int]:
    """Yield the number of combinations of method and status, for each route."""
    for statuses in contract.statuses.values():
        read = len(statuses.get("GET", initial.STATUSES))
        most = max(map(len, statuses.values()), default=0)
        written = sum(len(statuses.get(method, range(most))) for method in _WRITING)
        yield 2 * read + written + METHODS - 2 - len(_WRITING)
    yield len(OTHER_ROUTES) * (2 * len(_READ) + METHODS - 2)
    yield METHODS * len(_UNMATCHED) + len(_MALFORMED - _UNMATCHED)
    yield METHODS * len(initial.STATUSES)  # of requests that the server refuses

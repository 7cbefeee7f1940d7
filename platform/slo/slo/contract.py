"""The contract of a service: labels of its metrics, their values, series from the start."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from telemetry import declarations, initial, names

API: Final = "openapi.json"

Event = Mapping[str, str]
"""Labels of one series, without those of its target."""


@dataclass(frozen=True)
class Family:
    """A metric of a service.

    Attributes:
        name: Its name; a histogram's without the suffix of its series.
        histogram: Whether it is a histogram; else it is a counter.
        values: All values that a label can have, by label; None where it can have any.
        initial: Series that exist before their first event.
        outside: Whether others than the service itself expose it.
    """

    name: str
    histogram: bool
    values: Mapping[str, tuple[str, ...] | None]
    initial: tuple[Event, ...] = ()
    outside: bool = False


class UnknownRoutesError(Exception):
    """The service's OpenAPI document is missing, or is none."""


@dataclass(frozen=True)
class Contract:
    """The declarations of the service in the folder `home` declares."""

    home: Path

    @cached_property
    def metrics(self) -> Mapping[str, names.Metric]:
        """Metrics of the service by name: its own, and those that every service has."""
        own = declarations.of_service(self.home).metrics
        return names.METRICS | {metric.name: metric for metric in own}

    @cached_property
    def statuses(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Statuses of each operation, by route and method: documented ones and initial ones.

        Raises:
            UnknownRoutesError: The OpenAPI document cannot be read.
        """
        file = self.home / API
        begun = frozenset(map(str, initial.STATUSES))
        try:
            paths = json.loads(file.read_text(encoding="utf-8"))["paths"]
            return {
                route: {
                    method.upper(): begun.union(operation.get("responses", ()))
                    for method, operation in item.items()
                    if method.upper() in names.METHODS
                }
                for route, item in paths.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnknownRoutesError(
                f"cannot read the routes from {file}: run `make generate`"
            ) from error

    @property
    def operations(self) -> tuple[tuple[str, str], ...]:
        """Method and route of each operation that the OpenAPI document names.

        Raises:
            UnknownRoutesError: The document cannot be read.
        """
        return tuple((method, route) for route, item in self.statuses.items() for method in item)

    def family(self, metric: names.Metric) -> Family:
        """Tell what a metric's series can be.

        Raises:
            UnknownRoutesError: The metric has routes, and the OpenAPI document cannot be read.
        """
        values: dict[str, tuple[str, ...] | None] = {
            label: metric.values.get(label) for label in metric.labels
        }
        if names.HTTP_ROUTE in values:
            own = (route for _, route in self.operations)
            package = (names.ROUTE_OVERLOAD, names.ROUTE_UNMATCHED, *sorted(names.PROBE_ROUTES))
            values[names.HTTP_ROUTE] = tuple(dict.fromkeys((*own, *package)))
        return Family(
            metric.name,
            metric.kind == "histogram",
            values,
            tuple(self._initial(metric)),
        )

    def _initial(self, metric: names.Metric) -> Iterator[Event]:
        series: Iterable[tuple[str, ...]]
        match metric.name:
            case names.HTTP_SERVER_DURATION:
                statuses = map(str, initial.STATUSES)
                pairs = initial.of_requests(self.operations)
                series = ((*each, code) for each, code in itertools.product(pairs, statuses))
            case names.HTTP_SERVER_ABORTED:
                routes = {route for _, route in initial.of_requests(self.operations)}
                series = itertools.product(sorted(routes), names.ABORTED_BY)
            case _:
                series = initial.of_metric(metric)
        for values in series:
            yield dict(zip(metric.labels, values, strict=True))

"""Route templates in the form ``/ports/{id}``, from the different forms of Django and Ninja."""

import re
from collections.abc import Iterable
from typing import Final

from telemetry import initial, metrics, names

_PARAMETER: Final = re.compile(r"<(?:[^:>]*:)?([^>]+)>|\{(?:[^:}]*:)?([^}]+)\}")

_declared: dict[str, str] = {}
_templates: dict[str, str] = {}


def _shape(route: str) -> str:
    return _PARAMETER.sub("{}", route)


def declare_routes(routes: Iterable[tuple[str, str]]) -> None:
    """Make the series that SLOs are computed from exist, at 0, before the first request.

    Those are the durations of each route, and the registered counters and histograms of the
    service whose labels have declared values.

    The spelling given here is the one that all telemetry uses: Django's ``ports/<unlocode>`` is
    counted as ``/ports/{id}`` once that is declared.

    Args:
        routes: Pairs of method and route template, as ``("GET", "/ports/{id}")``.
    """
    pairs = set(routes)
    for _, route in pairs:
        _declared[_shape(route)] = route
    _templates.clear()
    counted = initial.of_requests(pairs)
    for method, route in counted:
        for status in initial.STATUSES:
            metrics.duration_of(method, route, status)
    for _, route in counted:
        for outcome in names.ABORTED_BY:
            metrics.counter(names.HTTP_SERVER_ABORTED).labels(route, outcome)
    metrics.histogram(names.HTTP_SERVER_QUEUE)
    metrics.begin()


def template(route: str) -> str:
    """Return the one form of a route as Django's resolver match has it; found once per route."""
    try:
        return _templates[route]
    except KeyError:
        own = "/" + _PARAMETER.sub(lambda m: "{" + (m[1] or m[2]) + "}", route).lstrip("/^")
        return _templates.setdefault(route, _declared.get(_shape(own), own))

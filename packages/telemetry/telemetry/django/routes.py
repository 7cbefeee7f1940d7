"""Route templates in one form, ``/ports/{id}``, however Django or Ninja write them."""

import re
from collections.abc import Iterable
from typing import Final

from telemetry import metrics, names

# Each declared (method, route) has these series from the start, so that the first error is an
# increase from 0 and not a series that begins at 1, whose increase Prometheus cannot see.
STATUSES_FROM_THE_START: Final = (200, 500, 503)

_PARAMETER: Final = re.compile(r"<(?:[^:>]*:)?([^>]+)>|\{(?:[^:}]*:)?([^}]+)\}")

_declared: dict[str, str] = {}
_templates: dict[str, str] = {}


def _shape(route: str) -> str:
    return _PARAMETER.sub("{}", route)


def declare_routes(routes: Iterable[tuple[str, str]]) -> None:
    """Make the series that SLOs are computed from exist, at 0, before the first request.

    The spelling given here is the one that all telemetry uses: Django's ``ports/<unlocode>`` is
    counted as ``/ports/{id}`` once that is declared.

    Args:
        routes: Pairs of method and route template, as ``("GET", "/ports/{id}")``.
    """
    pairs = set(routes)
    for _, route in pairs:
        _declared[_shape(route)] = route
    _templates.clear()
    pairs |= {(method, names.ROUTE_OVERLOAD) for method, _ in pairs}
    pairs |= {(names.METHOD_OTHER, names.ROUTE_UNMATCHED)}
    for method, route in sorted(pairs):
        for status in STATUSES_FROM_THE_START:
            metrics.duration_of(method, route, status)
    metrics.histogram(names.HTTP_SERVER_QUEUE)


def template(route: str) -> str:
    """Return the one form of a route as Django's resolver match has it; found once per route."""
    try:
        return _templates[route]
    except KeyError:
        own = "/" + _PARAMETER.sub(lambda m: "{" + (m[1] or m[2]) + "}", route).lstrip("/^")
        return _templates.setdefault(route, _declared.get(_shape(own), own))

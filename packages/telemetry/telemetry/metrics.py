"""Metrics on /metrics: declared metrics by name, and the metrics of every service.

A service registers its own: ``metrics.register(names.DECLARED)``.

A metric is created at its first use, not at import. By then the server's hooks have decided whether
values are in this process or in files that several processes share. `declare_routes` creates the
series that exist from the start.
"""

import time
from typing import TYPE_CHECKING

from telemetry import initial, names
from telemetry.memoize import memoize

__all__ = ["counter", "gauge", "histogram", "register", "store_operation"]

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Counter, Gauge, Histogram


_registered = dict(names.METRICS)
_begun = False


def register(declaration: names.Declaration) -> None:
    """Let a service's own metrics be asked for by their names.

    Raises:
        ValueError: A name is declared already, as something else.
    """
    for metric in declaration.metrics:
        if _registered.setdefault(metric.name, metric) != metric:
            raise ValueError(f"{metric.name} is declared twice, as two metrics: rename one")
    if _begun:
        _make(declaration.metrics)


def begin() -> None:
    """Make the registered metrics that count from the start; those registered later follow."""
    global _begun  # noqa: PLW0603 -- one process has one registry
    _begun = True
    _make(metric for metric in _registered.values() if metric.name not in names.METRICS)


def _make(declared: "Iterable[names.Metric]") -> None:
    for metric in declared:
        if metric.kind == "gauge":
            continue
        for values in initial.of_metric(metric):
            made = counter(metric.name) if metric.kind == "counter" else histogram(metric.name)
            if values:
                made.labels(*values)


def _declared(name: str, kind: names.Kind) -> names.Metric:
    metric = _registered.get(name)
    if metric is None:
        raise ValueError(
            f"{name} is not declared: add a Metric to DECLARED in the service's names.py, and call "
            "telemetry.metrics.register(names.DECLARED)"
        )
    if metric.kind != kind:
        raise ValueError(f"{name} is declared a {metric.kind}, not a {kind}")
    return metric


@memoize
def counter(name: str) -> "Counter":
    """Return the counter declared under this name.

    Raises:
        ValueError: None is, or one of another kind.
    """
    from telemetry.created import DatedCounter

    metric = _declared(name, "counter")
    return DatedCounter(name, metric.meaning, metric.labels)


@memoize
def gauge(name: str) -> "Gauge":
    """Return the gauge declared under this name.

    Raises:
        ValueError: None is, or one of another kind.
    """
    from prometheus_client import Gauge

    metric = _declared(name, "gauge")
    return Gauge(name, metric.meaning, metric.labels, multiprocess_mode=metric.merge)


@memoize
def histogram(name: str) -> "Histogram":
    """Return the histogram declared under this name.

    Raises:
        ValueError: None is, or one of another kind.
    """
    from telemetry.created import DatedHistogram

    metric = _declared(name, "histogram")
    return DatedHistogram(name, metric.meaning, metric.labels, buckets=metric.buckets)


@memoize
def duration_of(method: str, route: str, status: int) -> "Histogram":
    """Return the series of the HTTP duration for one label set, made once."""
    return histogram(names.HTTP_SERVER_DURATION).labels(method, route, str(status))


@memoize
def _store_series(system: str, operation: str) -> "Histogram":
    return histogram(names.STORE_DURATION).labels(system, operation)


class store_operation:  # noqa: N801 -- used as a function is
    """Time an operation on a store, failed ones included: a context manager."""

    __slots__ = ("_began", "_series")

    def __init__(self, system: str, operation: str) -> None:
        """Say which operation.

        Args:
            system: db.system.name, as ``memory`` or ``postgresql``.
            operation: db.operation.name, as ``get``; never text of a client.
        """
        self._series = _store_series(system, operation)

    def __enter__(self) -> None:
        """Begin."""
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        """End, whatever happened."""
        self._series.observe(time.perf_counter() - self._began)

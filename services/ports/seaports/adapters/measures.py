"""The service's own metrics: content of the store, results of imports."""

from collections.abc import Mapping

from telemetry.metrics import counter, gauge, register

from seaports import names

register(names.DECLARED)


def set_store(*, ports: int, revision: int) -> None:
    """Say what the store holds.

    Args:
        ports: Number of ports.
        revision: A number below 2^53 that changes with the content.
    """
    gauge(names.PORTS_STORED).set(ports)
    gauge(names.PORTS_REVISION).set(revision)


def import_finished(outcome: str, counts: Mapping[str, int], duration_s: float) -> None:
    """Say how an import ended.

    Args:
        outcome: ``committed`` or ``failed``.
        counts: Ports by what became of them (created, updated, unchanged, invalid).
        duration_s: Seconds that it took.
    """
    counter(names.IMPORTS).labels(outcome).inc()
    gauge(names.IMPORT_TIME).labels(outcome).set_to_current_time()
    gauge(names.IMPORT_DURATION).set(duration_s)
    for result, count in counts.items():
        gauge(names.IMPORT_PORTS).labels(result).set(count)

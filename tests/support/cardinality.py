"""Series of a service by metric, beside the most that its contract allows."""

from collections import Counter

from slo.cardinality import OTHER_ROUTES, most_series
from slo.contract import Contract
from telemetry import names

from tests.support.harness import samples

_SUFFIXES = ("_bucket", "_count", "_sum")


def counted(exposition: str, contract: Contract) -> Counter[str]:
    """Return the number of series of each metric; those of libraries have one number."""
    return Counter(_metric(name, contract) or "libraries" for name, _ in samples(exposition))


def unknown(exposition: str, contract: Contract) -> set[tuple[str, str]]:
    """Return each label with a value that the contract does not have, and the value."""
    families = {name: contract.family(metric) for name, metric in contract.metrics.items()}
    found = set()
    for name, labels in samples(exposition):
        if metric := _metric(name, contract):
            for label, value in labels:
                values = families[metric].values.get(label)
                more = OTHER_ROUTES if label == names.HTTP_ROUTE else ()
                if values is not None and value not in (*values, *more):
                    found.add((label, value))
    return found


def _metric(name: str, contract: Contract) -> str | None:
    bare = next((name.removesuffix(each) for each in _SUFFIXES if name.endswith(each)), name)
    return next((each for each in (name, bare) if each in contract.metrics), None)


def beyond(exposition: str, contract: Contract) -> dict[str, tuple[int, int]]:
    """Return each metric with more series than its contract allows: their number, and the most."""
    most = most_series(contract)
    found = counted(exposition, contract)
    return {name: (count, most[name]) for name, count in found.items() if count > most[name]}

"""Sums of what each profile requests, which the page docs/requests.md lists.

`make charts-facts` writes the page; `make charts` fails if it differs from the rendered charts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Final

from stack import values

from tests.platform.charts import releases, workloads
from tests.platform.charts.releases import Object

PAGE: Final = values.ROOT / "docs/requests.md"
_UNITS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_HEADER: Final = """\
<!-- Written by `make charts-facts` from the rendered charts: do not edit. -->
# What does each profile request?

The tables count what the umbrella charts request with the values of each
[profile](how-to/choose-a-profile.md). The scheduler reserves the requests on the nodes. The kernel
kills a container above its memory limit.

- A workload with an autoscaler counts with its smallest number of pods.
- A DaemonSet has one pod on each node. Its pods have rows of their own (*each node*).
- The tables do not count the pods of Jobs, because these pods end.
"""
_COLUMNS: Final = "pods | CPU requests | memory requests, MiB | memory limits, MiB | volumes, GiB"


@dataclass(frozen=True)
class Sum:
    """Requests of some pods together: processors and bytes."""

    pods: Decimal = Decimal(0)
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    limit: Decimal = Decimal(0)
    disk: Decimal = Decimal(0)

    def __add__(self, other: "Sum") -> "Sum":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Sum(*(one + another for one, another in pairs))

    def __str__(self) -> str:
        memory, limit = (f"{value / 2**20:,.0f}" for value in (self.memory, self.limit))
        disk = f"{self.disk / 2**30:,.0f}"
        return f"{self.pods} | {self.cpu.normalize():f} | {memory} | {limit} | {disk}"


def quantity(text: str) -> Decimal:
    """Return the value of one of Kubernetes' quantities.

    Raises:
        ValueError: The text is no quantity with a unit that the charts use.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text))
    if not found or found[2] not in _UNITS:
        raise ValueError(f"{text}: must be a number with one of the units {sorted(_UNITS)}")
    return Decimal(found[1]) * _UNITS[found[2]]


def of(pods: Iterable[workloads.Pod]) -> Sum:
    """Add up what pods request; one for each node counts once."""
    return sum((_of(pod) for pod in pods), Sum())


def _of(pod: workloads.Pod) -> Sum:
    resources = [each["resources"] for each in pod.running]
    one = Sum(
        Decimal(1),
        sum((quantity(each["requests"]["cpu"]) for each in resources), Decimal(0)),
        sum((quantity(each["requests"]["memory"]) for each in resources), Decimal(0)),
        sum((quantity(each["limits"]["memory"]) for each in resources), Decimal(0)),
        sum(map(quantity, pod.claims), Decimal(0)),
    )
    return sum([one] * (1 if pod.replicas is None else pod.replicas), Sum())


def page() -> str:
    """Return the text of the page."""
    parts = [_HEADER, *(_section(profile) for profile in releases.PROFILES)]
    return "\n".join(parts)


def _section(profile: str) -> str:
    given = releases.tilts() if profile == "local" else releases.argo_cds(profile)
    rows: list[str] = []
    whole = {False: Sum(), True: Sum()}
    for release in sorted(given, key=lambda each: each.chart):
        lasting = list(_lasting(releases.objects(release)))
        for is_everywhere in (False, True):
            found = of(p for p in lasting if (p.replicas is None) == is_everywhere)
            if found.pods:
                suffix = ", each node" if is_everywhere else ""
                rows.append(f"| {release.name}{suffix} | {found} |")
                whole[is_everywhere] += found
    rows.append(f"| **sum** | {whole[False]} |")
    rows.append(f"| **sum, each node** | {whole[True]} |")
    by = ", as Tilt deploys it" if profile == "local" else ""
    title = f"## Profile `{profile}`{by}"
    rule = "| --- | --- | --- | --- | --- | --- |"
    return "\n".join([title, "", f"| component | {_COLUMNS} |", rule, *rows, ""])


def _lasting(objects: Iterable[Object]) -> Iterator[workloads.Pod]:
    for pod in workloads.pods(objects):
        if pod.owner.split()[0] not in ("Job", "Pod"):
            yield pod

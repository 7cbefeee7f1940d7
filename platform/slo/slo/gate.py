"""May something be released? Only where every SLO has data and budget left."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slo import series
from slo.measured import why_unmeasured
from slo.model import Slo
from slo.prometheus import Prometheus, connected
from slo.windows import BASE_WINDOW

# A cluster that had targets within this time must have some. If a cluster's Prometheus servers are
# lost, the object storage still has samples that are older than three hours.
SILENCE = "6h"


@dataclass(frozen=True)
class Verdict:
    """The answer of the gate about one SLO: `refused` tells whether it stands in the way."""

    slo: Slo
    refused: bool
    reason: str


class _UnknownError(Exception):
    """A number to judge an SLO by is not there, or is none."""


def judge(prometheus: str, environment: str, slos: Sequence[Slo], root: Path) -> Iterator[Verdict]:
    """Judge each SLO by what Prometheus holds about it in an environment.

    An SLO on probes is in nobody's way where the environment's file switches no prober on and
    nothing is recorded.

    Args:
        prometheus: base URL of the Prometheus server.
        environment: value of the environment label.
        slos: the SLOs to judge.
        root: the repository, whose files say which environments have a prober.

    Raises:
        PrometheusError: the server cannot be reached, refuses the query, warns about its answer,
            or does not answer as Prometheus does.
    """
    with connected(prometheus) as server:
        for slo in slos:
            if unmeasured := why_unmeasured(server, slo, environment, root):
                yield Verdict(slo, refused=False, reason=unmeasured)
            else:
                yield _verdict(server, slo, environment)


def _verdict(server: Prometheus, slo: Slo, environment: str) -> Verdict:
    rate, remaining, up = (
        series.in_environment(each, environment)
        for each in (
            series.of_slo(series.total(BASE_WINDOW), slo),
            series.of_slo(series.REMAINING, slo),
            series.targets_up(slo.service),
        )
    )
    try:
        _number(server, rate, absent="no data now: the SLI is not being recorded")
        left = _number(server, remaining, absent="no data: no event in the whole period")
        _targets_everywhere(server, up)
    except _UnknownError as error:
        return Verdict(slo, refused=True, reason=str(error))
    return Verdict(slo, refused=left <= 0, reason=f"{left:.2%} of the error budget left")


def _targets_everywhere(server: Prometheus, up: str) -> None:
    """Demand targets in each cluster that had some: else, a part of the events looks like all."""
    by_cluster = f"count by ({series.CLUSTER})"
    silent = f"{by_cluster} (present_over_time({up}[{SILENCE}])) unless {by_cluster} ({up} == 1)"
    if not server.query(f"count({up} == 1) unless on () ({silent})"):
        clusters = [each.metric.get(series.CLUSTER) for each in server.query(silent)]
        named = ", ".join(sorted(filter(None, clusters)))
        where = f" in cluster {named}" if named else ""
        raise _UnknownError(f"no data now: no target answers its scrape{where}")


def _number(server: Prometheus, query: str, *, absent: str) -> float:
    """Ask for one finite number; anything else is no ground to release on."""
    samples = server.query(query)
    if not samples:
        raise _UnknownError(absent)
    if len(samples) > 1:
        raise _UnknownError(f"{len(samples)} series where there must be one: {query}")
    number = samples[0].number
    if not math.isfinite(number):
        raise _UnknownError(f"{number} is no number to judge by: {query}")
    return number

"""May something be released? Only where every SLO has data and budget left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from telemetry import names

from slo import series
from slo.matchers import quoted
from slo.model import Slo
from slo.windows import BASE_WINDOW

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Verdict:
    """What the gate says about one SLO: `refused` tells whether it stands in the way."""

    slo: Slo
    refused: bool
    reason: str


class PrometheusError(Exception):
    """Prometheus could not be asked, or did not understand."""


def judge(prometheus: str, environment: str, slos: Sequence[Slo]) -> Iterator[Verdict]:
    """Judge each SLO by what Prometheus holds about it in an environment.

    Args:
        prometheus: base URL of the Prometheus server.
        environment: value of the environment label.
        slos: the SLOs to judge.

    Raises:
        PrometheusError: the server cannot be reached or refuses the query.
    """
    with httpx.Client(base_url=prometheus, timeout=TIMEOUT_SECONDS) as client:
        for slo in slos:
            rate = _value(client, series.total(BASE_WINDOW), slo, environment)
            remaining = _value(client, series.REMAINING, slo, environment)
            yield _verdict(slo, rate, remaining)


def _verdict(slo: Slo, rate: float | None, remaining: float | None) -> Verdict:
    if rate is None:
        return Verdict(slo, refused=True, reason="no data now: the SLI is not being recorded")
    if remaining is None:
        return Verdict(slo, refused=True, reason="no data: no event in the whole period")
    left = f"{remaining:.2%} of the error budget left"
    # Written so that NaN is refused too.
    return Verdict(slo, refused=not remaining > 0, reason=left)


def _value(client: httpx.Client, name: str, slo: Slo, environment: str) -> float | None:
    selector = series.of_slo(name, slo).removesuffix("}")
    query = f"{selector}, {names.ENVIRONMENT}={quoted(environment)}}}"
    try:
        response = client.get("/api/v1/query", params={"query": query})
        answer: dict[str, Any] = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise PrometheusError(f"cannot ask {client.base_url}: {error}") from error
    if answer.get("status") != "success":
        raise PrometheusError(f"{client.base_url} refused {query}: {answer.get('error')}")
    samples = answer["data"]["result"]
    return float(samples[0]["value"][1]) if samples else None

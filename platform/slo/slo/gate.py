"""May something be released? Only where every SLO has data and budget left."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import httpx
from pydantic import BaseModel, ValidationError
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


class _Sample(BaseModel):
    value: tuple[float, float]


class _Data(BaseModel):
    resultType: Literal["vector"]  # noqa: N815  # as Prometheus spells it
    result: list[_Sample]


class _Answer(BaseModel):
    """What Prometheus' query API answers; other fields do not matter here."""

    status: str
    error: str = ""
    data: _Data | None = None
    warnings: list[str] = []
    infos: list[str] = []


class _UnknownError(Exception):
    """A number to judge an SLO by is not there, or is none."""


class PrometheusError(Exception):
    """Prometheus could not be asked, did not understand, or doubts its own answer."""


def judge(prometheus: str, environment: str, slos: Sequence[Slo]) -> Iterator[Verdict]:
    """Judge each SLO by what Prometheus holds about it in an environment.

    Args:
        prometheus: base URL of the Prometheus server.
        environment: value of the environment label.
        slos: the SLOs to judge.

    Raises:
        PrometheusError: the server cannot be reached, refuses the query, warns about its answer,
            or does not answer as Prometheus does.
    """
    try:
        with httpx.Client(base_url=prometheus, timeout=TIMEOUT_SECONDS) as client:
            for slo in slos:
                yield _verdict(client, slo, f"{names.ENVIRONMENT}={quoted(environment)}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PrometheusError(f"cannot ask {prometheus}: {error}") from error


def _verdict(client: httpx.Client, slo: Slo, environment: str) -> Verdict:
    def here(selector: str) -> str:
        return f"{selector.removesuffix('}')}, {environment}}}"

    rate = here(series.of_slo(series.total(BASE_WINDOW), slo))
    remaining = here(series.of_slo(series.REMAINING, slo))
    answering = f"count({here(series.targets_up(slo.service))} == 1)"
    try:
        _number(client, rate, absent="no data now: the SLI is not being recorded")
        left = _number(client, remaining, absent="no data: no event in the whole period")
        _number(client, answering, absent="no data now: no target answers its scrape")
    except _UnknownError as error:
        return Verdict(slo, refused=True, reason=str(error))
    return Verdict(slo, refused=left <= 0, reason=f"{left:.2%} of the error budget left")


def _number(client: httpx.Client, query: str, *, absent: str) -> float:
    """Ask for one finite number; anything else is no ground to release on."""
    samples = _samples(client, query)
    if not samples:
        raise _UnknownError(absent)
    if len(samples) > 1:
        raise _UnknownError(f"{len(samples)} series where there must be one: {query}")
    (_, number) = samples[0].value
    if not math.isfinite(number):
        raise _UnknownError(f"{number} is no number to judge by: {query}")
    return number


def _samples(client: httpx.Client, query: str) -> Sequence[_Sample]:
    response = client.get("/api/v1/query", params={"query": query})
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError as error:
        what = "; ".join(f"{each['loc']}: {each['msg']}" for each in error.errors())
        raise PrometheusError(
            f"cannot ask {client.base_url}: HTTP {response.status_code} is no answer of "
            f"Prometheus' query API: {what}"
        ) from error
    if answer.status != "success" or answer.data is None:
        reason = answer.error or f"no data with status {answer.status!r}"
        raise PrometheusError(f"{client.base_url} refused {query}: {reason}")
    if doubts := [*answer.warnings, *answer.infos]:
        raise PrometheusError(f"{client.base_url} doubts its answer to {query}: {doubts}")
    return answer.data.result

"""Prometheus' query API, asked for answers that can be relied on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import httpx
from pydantic import BaseModel, ValidationError

TIMEOUT_SECONDS = 10

# Prometheus answers 11,000 steps of a range at most.
_STEPS = 10_000


class Sample(BaseModel):
    """One series at a moment."""

    metric: dict[str, str] = {}
    value: tuple[float, float]

    @property
    def number(self) -> float:
        """Its value."""
        return self.value[1]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815  # as Prometheus spells it
    result: list[Sample]


class Line(BaseModel):
    """One series at several moments."""

    metric: dict[str, str] = {}
    values: list[tuple[float, float]]


class _Matrix(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815
    result: list[Line]


class _Answer(BaseModel):
    """The fields of every answer; other fields do not matter here."""

    status: str
    error: str = ""
    data: _Vector | _Matrix | list[dict[str, str]] | None = None
    warnings: list[str] = []
    infos: list[str] = []
    # Where several stores answer for Prometheus, some of them may be away.
    isPartial: bool = False  # noqa: N815  # as VictoriaMetrics spells it


class PrometheusError(Exception):
    """Prometheus could not be asked, did not understand, or doubts its own answer."""


class Prometheus:
    """A server that answers Prometheus' query API."""

    def __init__(self, client: httpx.Client) -> None:
        """Ask by this client, whose base URL is the server's."""
        self._client = client

    def query(self, expr: str, at: float | None = None) -> Sequence[Sample]:
        """Evaluate an expression at a Unix time, by default now.

        Raises:
            PrometheusError: the server refuses it, warns about its answer, gives a part of it, or
                does not answer as Prometheus does.
        """
        data = self._ask("query", {"query": expr} | ({} if at is None else {"time": at}))
        if not isinstance(data, _Vector):
            raise self._alien(200, "no vector")
        return data.result

    def query_range(self, expr: str, start: float, end: float, step: float) -> Sequence[Line]:
        """Evaluate an expression every `step` seconds between two Unix times, however many.

        Raises:
            PrometheusError: as `query`.
        """
        lines: dict[tuple[tuple[str, str], ...], Line] = {}
        while start <= end:
            last = min(end, start + (_STEPS - 1) * step)
            data = self._ask(
                "query_range", {"query": expr, "start": start, "end": last, "step": step}
            )
            if not isinstance(data, _Matrix):
                raise self._alien(200, "no matrix")
            for line in data.result:
                key = tuple(sorted(line.metric.items()))
                lines.setdefault(key, Line(metric=line.metric, values=[])).values.extend(
                    line.values
                )
            start += _STEPS * step
        return list(lines.values())

    def series(self, selectors: Sequence[str], start: float) -> Sequence[Mapping[str, str]]:
        """List the labels of the series that any selector picks, from a Unix time until now.

        Raises:
            PrometheusError: as `query`.
        """
        data = self._ask("series", {"match[]": list(selectors), "start": start})
        if not isinstance(data, list):
            raise self._alien(200, "no list of series")
        return data

    def _ask(
        self, endpoint: str, parameters: Mapping[str, str | float | list[str]]
    ) -> _Vector | _Matrix | list[dict[str, str]]:
        response = self._client.get(f"/api/v1/{endpoint}", params=parameters)
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            what = "; ".join(f"{each['loc']}: {each['msg']}" for each in error.errors())
            raise self._alien(response.status_code, what) from error
        asked = next(iter(parameters.values()))
        if answer.status != "success" or answer.data is None:
            reason = answer.error or f"no data with status {answer.status!r}"
            raise PrometheusError(f"{self._client.base_url} refused {asked}: {reason}")
        partial = ["the answer is partial"] if answer.isPartial else []
        if doubts := [*answer.warnings, *answer.infos, *partial]:
            raise PrometheusError(f"{self._client.base_url} doubts its answer to {asked}: {doubts}")
        return answer.data

    def _alien(self, status: int, what: str) -> PrometheusError:
        return PrometheusError(
            f"cannot ask {self._client.base_url}: HTTP {status} is no answer of Prometheus' query "
            f"API: {what}"
        )


@contextmanager
def connected(url: str) -> Iterator[Prometheus]:
    """Connect to a server by its base URL.

    Raises:
        PrometheusError: it cannot be reached, within the block.
    """
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
            yield Prometheus(client)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PrometheusError(f"cannot ask {url}: {error}") from error

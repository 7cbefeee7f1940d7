"""The data that Prometheus has on each SLO and environment in a window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from telemetry import names

from slo import series
from slo.alerts import SEVERITY
from slo.model import Slo
from slo.prometheus import Prometheus
from slo.windows import BASE_WINDOW, CURRENT_WINDOW, prometheus_duration

POINTS: Final = 360
"""Points of a chart."""

RESOLUTION: Final = timedelta(minutes=1)
"""How exactly incidents are told."""

# A restart of Prometheus does not make two incidents of one.
_SAME_INCIDENT: Final = timedelta(minutes=5)

Point = tuple[datetime, float]


@dataclass(frozen=True)
class Incident:
    """One episode of an alert; `end` is None while the alert still fires at the window's end."""

    alert: str
    severity: str
    begin: datetime
    end: datetime | None


@dataclass(frozen=True)
class Result:
    """One SLO in one environment, over its last full window.

    Attributes:
        bad_ratio: Share of bad events; None if there was no event.
        worst: Highest burn rate over an hour, and the end of that hour.
        left: Share of the error budget that was left at each moment.
    """

    slo: Slo
    environment: str
    begin: datetime
    end: datetime
    bad_ratio: float | None
    worst: Point | None
    left: tuple[Point, ...]
    incidents: tuple[Incident, ...]

    @property
    def spent(self) -> float | None:
        """Share of the error budget that was spent."""
        return None if self.bad_ratio is None else self.bad_ratio / float(self.slo.budget)

    @property
    def data_since(self) -> datetime | None:
        """When the data begins, where that is later than the window does."""
        step = (self.end - self.begin) / POINTS
        late = self.left and self.left[0][0] > self.begin + 2 * step
        return self.left[0][0] if late else None


def window(slo: Slo, at: datetime) -> tuple[datetime, datetime]:
    """Tell the last full window: the last days, or the last month or quarter that has ended."""
    return slo.calendar.last_full(at) if slo.calendar else (at - slo.period, at)


def collect(
    server: Prometheus, slos: Iterable[Slo], at: datetime, environment: str | None
) -> Iterator[Result]:
    """Ask for every SLO and for every environment that has data in its window.

    Args:
        server: where the SLOs are recorded.
        slos: the SLOs to report on.
        at: the last moment to report on, in UTC.
        environment: value of the environment label; by default every one.

    Raises:
        PrometheusError: the server cannot be asked, or its answer cannot be relied on.
    """
    for slo in slos:
        yield from _Window(server, slo, *window(slo, at)).results(environment)


@dataclass(frozen=True)
class _Window:
    server: Prometheus
    slo: Slo
    begin: datetime
    end: datetime

    def results(self, environment: str | None) -> Iterator[Result]:
        # A window that ends at midnight has its last sample before.
        ratios = self._by_environment(
            f"last_over_time({self._of(series.period_ratio(self.slo))}[5m])"
        )
        length = prometheus_duration(self.end - self.begin)
        seen = self._by_environment(
            f"present_over_time({self._of(series.total(BASE_WINDOW))}[{length}])"
        )
        step = (self.end - self.begin) / POINTS
        span = prometheus_duration(step)
        left = self._lines(self._of(series.REMAINING), step)
        burn = self._lines(
            f"max_over_time({self._of(series.error_ratio(CURRENT_WINDOW))}[{span}])", step
        )
        incidents = dict(self._incidents())
        for each in sorted(seen):
            if environment not in {None, each}:
                continue
            worst = max(burn.get(each, ()), key=lambda point: point[1], default=None)
            yield Result(
                self.slo,
                each,
                self.begin,
                self.end,
                ratios.get(each),
                worst and (worst[0], worst[1] / float(self.slo.budget)),
                left.get(each, ()),
                tuple(incidents.get(each, ())),
            )

    def _of(self, name: str) -> str:
        return series.of_slo(name, self.slo)

    def _by_environment(self, expr: str) -> Mapping[str, float]:
        found = self.server.query(expr, self._last)
        return {each.metric.get(names.ENVIRONMENT, ""): each.number for each in found}

    @property
    def _last(self) -> float:
        """The last moment within the window: what is of the end is of the next one."""
        return self.end.timestamp() - 0.001

    def _lines(self, expr: str, step: timedelta) -> Mapping[str, tuple[Point, ...]]:
        first = self.begin + step
        found = self.server.query_range(expr, first.timestamp(), self._last, step.total_seconds())
        return {
            each.metric.get(names.ENVIRONMENT, ""): tuple(
                (datetime.fromtimestamp(moment, UTC), value) for moment, value in each.values
            )
            for each in found
        }

    def _incidents(self) -> Iterator[tuple[str, Sequence[Incident]]]:
        firing = series.of_slo("ALERTS", self.slo).replace("}", ', alertstate="firing"}')
        by = f"{names.ENVIRONMENT}, alertname, {SEVERITY}"
        step = RESOLUTION.total_seconds()
        expr = f"count by ({by}) (present_over_time({firing}[{step:.0f}s]))"
        found: dict[str, list[Incident]] = {}
        for each in self.server.query_range(expr, self.begin.timestamp() + step, self._last, step):
            moments = [datetime.fromtimestamp(moment, UTC) for moment, _ in each.values]
            alert, severity = each.metric.get("alertname", ""), each.metric.get(SEVERITY, "")
            found.setdefault(each.metric.get(names.ENVIRONMENT, ""), []).extend(
                Incident(alert, severity, begin, end if end < self.end - 2 * RESOLUTION else None)
                for begin, end in _episodes(moments)
            )
        for environment, incidents in found.items():
            yield environment, sorted(incidents, key=lambda each: (each.begin, each.alert))


def _episodes(moments: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Join moments, a minute each, that belong together."""
    begin = previous = moments[0]
    for moment in moments[1:]:
        if moment - previous > _SAME_INCIDENT:
            yield begin - RESOLUTION, previous
            begin = moment
        previous = moment
    yield begin - RESOLUTION, previous

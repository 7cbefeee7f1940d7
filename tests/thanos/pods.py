"""Pods whose counters are a known function of time: each event is known, whenever one looks.

A stand-in for a service's `/metrics`. A pod writes the moment of its values beside them, so that a
scrape holds exactly what was then.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slo import series
from slo.windows import BASE_WINDOW
from stack import values
from stack.prometheus import LIMITS
from stack.values import Values
from telemetry import names

from tests.platform.slo.real import run, tool

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SCRAPE = 15
# In two clusters pods may have the same address and name.
SAME = {"instance": "10.0.0.1:9090", "pod": "ports-0"}
# A new exemplar that often: both replicas scrape some of them.
EXEMPLARS_MS = 30_000


@dataclass(frozen=True)
class Pod:
    """One pod, which counts from 1970 on.

    Attributes:
        cluster: Where it runs.
        environment: Its environment.
        good: Requests in a millisecond that succeed fast.
        bad: Requests in a millisecond that fail.
    """

    cluster: str
    environment: str
    good: int
    bad: int

    @property
    def path(self) -> str:
        """Where it is scraped."""
        return f"/{self.cluster}/{self.environment}"

    def page(self, now_ms: int) -> Iterator[tuple[str, dict[str, str], int]]:
        """Yield name, labels and value of each series at a moment."""
        duration = names.HTTP_SERVER_DURATION
        for status, count in (("200", self.good), ("500", self.bad)):
            labels = {
                names.HTTP_METHOD: "GET", names.HTTP_ROUTE: "/ports", names.HTTP_STATUS: status,
            }  # fmt: skip
            for bound in ("0.1", "+Inf"):
                yield f"{duration}_bucket", {**labels, "le": bound}, count * now_ms
            yield f"{duration}_count", labels, count * now_ms
            yield f"{duration}_sum", labels, 0


def job(pods: list[Pod], port: int, **more: object) -> Values:
    """Scrape job of pods, with labels as the service's monitor gives them."""
    monitor = values.service("ports")["serviceMonitor"]
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {**_target(pod.environment), **SAME, "__metrics_path__": pod.path},
        }
        for pod in pods
    ]
    limits = {own: monitor[key] for key, own in LIMITS.items()}
    return {"job_name": "ports", "static_configs": targets, **limits, **more}


def exposition(pod: Pod, now_ms: int) -> bytes:
    """Write what a pod exposes at a moment."""
    lines = [f"# TYPE {names.HTTP_SERVER_DURATION} histogram"]
    for name, labels, value in pod.page(now_ms):
        line = f"{_series(name, labels)} {value} {now_ms / 1000:.3f}"
        if labels.get("le") == "0.1" and labels[names.HTTP_STATUS] == "500":
            line += f' # {{trace_id="{TRACE}"}} 0.05 {now_ms // EXEMPLARS_MS * EXEMPLARS_MS / 1000}'
        lines.append(line)
    return "\n".join([*lines, "# EOF\n"]).encode()


def past(pods: list[Pod], first: int, last: int) -> list[str]:
    """Return what a Prometheus would have scraped between two Unix times, as OpenMetrics."""
    moments, lines = range(first, last, SCRAPE), []
    for pod in pods:
        target = {**_target(pod.environment), "job": "ports", **SAME}
        for index, (name, labels, _) in enumerate(pod.page(0)):
            for moment in moments:
                *_, value = list(pod.page(moment * 1000))[index]
                lines.append(f"{_series(name, labels | target)} {value} {moment}\n")
        lines += [f"{_series('up', target)} 1 {moment}\n" for moment in moments]
    return lines


def recorded_past(pods: list[Pod], first: int, last: int, step: int) -> list[str]:
    """Return recorded rates of availability and latency, as OpenMetrics.

    `step` is the seconds between two samples.
    """
    lines = []
    for environment in sorted({pod.environment for pod in pods}):
        own = [pod for pod in pods if pod.environment == environment]
        good, bad = (1000 * sum(getattr(pod, kind) for pod in own) for kind in ("good", "bad"))
        for slo, counts in (("availability", (good + bad, bad)), ("latency", (good, 0))):
            for name, count in zip((series.total, series.bad), counts, strict=True):
                line = _series(name(BASE_WINDOW), {**_target(environment), series.SLO: slo})
                lines += [f"{line} {count} {moment}\n" for moment in range(first, last, step)]
    return lines


def blocks(lines: list[str], folder: Path, *, is_merged: bool = False) -> None:
    """Make blocks of lines of OpenMetrics; a sidecar does not upload those that are merged."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "text"
    text.write_text("".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "--max-block-duration=2000h", "openmetrics")
    run(tool("promtool"), *create, str(text), str(folder))
    text.unlink()
    for file in folder.glob("*/meta.json") if is_merged else ():
        meta = json.loads(file.read_text())
        meta["compaction"]["level"] = 2
        file.write_text(json.dumps(meta))


def _target(environment: str) -> dict[str, str]:
    return {names.SERVICE_NAME: "ports", names.ENVIRONMENT: environment}


def _series(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}"

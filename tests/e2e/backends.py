"""The questions of a person to the backends, asked by the tests."""

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import httpx

T = TypeVar("T")


def eventually(what: Callable[[], T], seconds: float = 60.0) -> T:
    """Return the first true answer of `what`; the last error or answer fails the test."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = what()
        except (AssertionError, httpx.HTTPError, LookupError):
            if time.monotonic() > deadline:
                raise
        else:
            if answer or time.monotonic() > deadline:
                assert answer, f"nothing after {seconds:.0f} s: {answer!r}"
                return answer
        time.sleep(0.2)


class Located(Protocol):
    """An object that knows the addresses of the backends."""

    def url(self, name: str) -> str:
        """HTTP base URL of a backend."""


class Backends:
    """The stack's query interfaces."""

    def __init__(self, addresses: Located) -> None:
        self.at = addresses
        self.http = httpx.Client(timeout=10)

    def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """Spans of a trace in Jaeger, each with its tags and its process's as mappings."""
        answer = self.http.get(f"{self.at.url('jaeger')}/api/traces/{trace_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        [trace] = answer.raise_for_status().json()["data"]
        return [
            {
                "id": span["spanID"],
                "parent": next((r["spanID"] for r in span["references"]), None),
                "name": span["operationName"],
                "tags": {tag["key"]: tag["value"] for tag in span["tags"]},
                "resource": {
                    tag["key"]: tag["value"]
                    for tag in trace["processes"][span["processID"]]["tags"]
                }
                | {"service.name": trace["processes"][span["processID"]]["serviceName"]},
                "events": [
                    {field["key"]: field["value"] for field in event["fields"]}
                    for event in span["logs"]
                ],
            }
            for span in trace["spans"]
        ]

    def logs(self, query: str, since: float | None = None) -> list[dict[str, Any]]:
        """Records in Loki of the last hour, or since a time: body, all labels and metadata."""
        begin = time.time() - 3600 if since is None else since
        answer = self.http.get(
            f"{self.at.url('loki')}/loki/api/v1/query_range",
            params={"query": query, "start": f"{begin:.3f}", "limit": 5000},
        )
        streams = answer.raise_for_status().json()["data"]["result"]
        return [
            {"body": body, **stream["stream"]} for stream in streams for _, body in stream["values"]
        ]

    def series(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Instant vector in Prometheus: labels and value of each series."""
        answer = self.http.get(f"{self.at.url('prometheus')}/api/v1/query", params={"query": query})
        assert answer.is_success, answer.text
        return [
            (sample["metric"], float(sample["value"][1]))
            for sample in answer.json()["data"]["result"]
            if "value" in sample
        ]

    def exemplars(self, query: str) -> list[dict[str, Any]]:
        """Exemplars in Prometheus of the last hour."""
        now = time.time()
        answer = self.http.get(
            f"{self.at.url('prometheus')}/api/v1/query_exemplars",
            params={"query": query, "start": now - 3600, "end": now + 60},
        )
        found = answer.raise_for_status().json()["data"]
        return [
            {**exemplar, "series": series["seriesLabels"]}
            for series in found
            for exemplar in series["exemplars"]
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """Active alerts in Alertmanager."""
        answer = self.http.get(f"{self.at.url('alertmanager')}/api/v2/alerts")
        alerts: list[dict[str, Any]] = answer.raise_for_status().json()
        return alerts

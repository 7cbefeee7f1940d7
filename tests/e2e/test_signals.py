"""The signal matrix: what one service's traffic must leave on every screen.

One line per service and signal. The traffic is known to the request, so values are exact.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from slo.cli import main
from stack.components import ENVIRONMENT, JOBS, Site
from stack.stack import Stack
from telemetry import names

from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST, FAST_SERVICE
from tests.service import ROOT

TARGET: Final = {names.SERVICE_NAME: "ports", names.ENVIRONMENT: ENVIRONMENT}
AGENT, GATEWAY = "observability/otel-agent-agent", "otel-gateway"


@dataclass(frozen=True)
class Traffic:
    """Requests of one kind, all alike.

    Attributes:
        path: What is asked for.
        route: Its template.
        status: The right answer.
        times: How often it is asked.
        first: Number of the first request; each request's trace id is its number.
    """

    path: str
    route: str
    status: int
    times: int
    first: int


ONE = Traffic("/ports/AEAJM", "/ports/{id}", 200, 5, 0x100)
LIST = Traffic("/ports?limit=2&q=san", "/ports", 200, 3, 0x200)
UNKNOWN = Traffic("/ports/XXXXX", "/ports/{id}", 404, 2, 0x300)
NOWHERE = Traffic("/nowhere", names.ROUTE_UNMATCHED, 404, 4, 0x400)
WARM_UP = (ONE, LIST, UNKNOWN, NOWHERE)


def trace_id(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, after the warm-up traffic."""
    site = Site(
        tmp_path_factory.mktemp("signals"), prometheus_overrides=FAST, service_env=FAST_SERVICE
    )
    with Stack(site) as stack, httpx.Client(base_url=site.addresses.url("ports")) as client:
        for kind in WARM_UP:
            for number in range(kind.first, kind.first + kind.times):
                headers = {
                    "traceparent": f"00-{trace_id(number)}-00000000000000aa-01",
                    "x-request-id": f"request-{number}",
                }
                assert client.get(kind.path, headers=headers).status_code == kind.status
        yield stack


def spans_of(traffic: Traffic) -> Callable[[Backends], Any]:
    """Ask for the spans of the first such request, as a tree of names, kinds and statuses."""

    def ask(backends: Backends) -> Any:
        spans = backends.spans(trace_id(traffic.first))

        def below(parent: str) -> list[Any]:
            return sorted(
                (
                    span["name"],
                    span["tags"]["span.kind"],
                    span["tags"].get("otel.status_code"),
                    span["resource"]["service.name"],
                    span["resource"]["deployment.environment.name"],
                    below(span["id"]),
                )
                for span in spans
                if span["parent"] == parent
            )

        return below("00000000000000aa")

    return ask


def span(name: str, kind: str, *below: Any, status: str | None = None) -> Any:
    return (name, kind, status, "ports", ENVIRONMENT, list(below))


def log_of(traffic: Traffic) -> Callable[[Backends], Any]:
    """Ask Loki for the access line of the first such request, by its trace id alone."""
    wanted = (
        "body", "service_name", "deployment_environment_name", "trace_id", "request_id",
        "method", "route", "path", "status", "severity_text",
    )  # fmt: skip

    def ask(backends: Backends) -> Any:
        query = f'{{service_name="ports"}} | trace_id="{trace_id(traffic.first)}"'
        return [{key: record.get(key) for key in wanted} for record in backends.logs(query)]

    return ask


def access_line(traffic: Traffic) -> dict[str, str]:
    return {
        "body": names.ACCESS_EVENT,
        "service_name": "ports",
        "deployment_environment_name": ENVIRONMENT,
        "trace_id": trace_id(traffic.first),
        "request_id": f"request-{traffic.first}",
        "method": "GET",
        "route": traffic.route,
        "path": traffic.path.partition("?")[0],
        "status": str(traffic.status),
        "severity_text": "info",
    }


def count_of(traffic: Traffic) -> Callable[[Backends], Any]:
    """Ask Prometheus how many such requests the service counted."""

    def ask(backends: Backends) -> Any:
        selector = (
            f'{names.HTTP_METHOD}="GET",{names.HTTP_ROUTE}="{traffic.route}",'
            f'{names.HTTP_STATUS}="{traffic.status}"'
        )
        by = f"{names.SERVICE_NAME}, {names.ENVIRONMENT}"
        return backends.series(f"sum by ({by}) ({names.HTTP_SERVER_DURATION}_count{{{selector}}})")

    return ask


def native_count(backends: Backends) -> Any:
    """Ask Prometheus how many requests the exponential histogram that came by OTLP holds."""
    by = f"{names.SERVICE_NAME}, {names.ENVIRONMENT}"
    metric = names.HTTP_SERVER_DURATION
    return backends.series(
        f'sum by ({by}) (histogram_count({metric}{{{names.HTTP_ROUTE}="{ONE.route}",'
        f'{names.HTTP_STATUS}="{ONE.status}"}}))'
    )


def exemplar_traces(backends: Backends) -> Any:
    """Ask for the exemplars of one route, and for the server spans of their traces."""
    query = f'{names.HTTP_SERVER_DURATION}_bucket{{{names.HTTP_ROUTE}="{LIST.route}"}}'
    found = {exemplar["labels"]["trace_id"] for exemplar in backends.exemplars(query)}
    return found and {
        span["name"]
        for trace in found
        for span in backends.spans(trace)
        if span["tags"]["span.kind"] == "server"
    }


def watchdog(backends: Backends) -> Any:
    """Ask Alertmanager for the alert that always fires."""
    return [
        {"alertname": alert["labels"]["alertname"], "receivers": alert["receivers"]}
        for alert in backends.alerts()
        if alert["labels"].get(names.SERVICE_NAME) == "ports"
    ]


def up(job: str) -> Callable[[Backends], Any]:
    return lambda backends: [value for _, value in backends.series(f'up{{job="{job}"}}')]


def alive(*parts: str) -> tuple[tuple[str, str, Callable[[Backends], Any], Any], ...]:
    return tuple((part, "metrics: scraped", up(part), [1.0]) for part in parts)


STORE_GET = span("get ports", "internal")
MATRIX: Final = (
    (
        "ports", "trace: GET /ports/{id}", spans_of(ONE),
        [span("GET /ports/{id}", "server", span("get_port", "internal", STORE_GET))],
    ),
    (
        "ports", "trace: GET /ports", spans_of(LIST),
        [
            span(
                "GET /ports", "server",
                span("list_ports", "internal", span("page ports", "internal")),
                span("revision ports", "internal"),
            )
        ],
    ),
    ("ports", "trace: no such route", spans_of(NOWHERE), [span("GET", "server")]),
    ("ports", "log: GET /ports/{id}", log_of(ONE), [access_line(ONE)]),
    ("ports", "log: GET /ports", log_of(LIST), [access_line(LIST)]),
    ("ports", "log: unknown port", log_of(UNKNOWN), [access_line(UNKNOWN)]),
    ("ports", "log: no such route", log_of(NOWHERE), [access_line(NOWHERE)]),
    *(
        ("ports", f"metrics: {kind.path} {kind.status}", count_of(kind), [(TARGET, kind.times)])
        for kind in WARM_UP
    ),
    ("ports", "metrics by OTLP: native histogram", native_count, [(TARGET, ONE.times)]),
    ("ports", "exemplar: its trace is in Jaeger", exemplar_traces, {"GET /ports"}),
    (
        "ports", "alert: watchdog", watchdog,
        [{"alertname": "PortsSloWatchdog", "receivers": [{"name": "watchdog"}]}],
    ),
    *alive(*JOBS),
)  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "expected"), [line[2:] for line in MATRIX], ids=[f"{s}: {w}" for s, w, *_ in MATRIX]
)
def test_signal(ask: Callable[[Backends], Any], expected: Any, backends: Backends) -> None:
    def as_expected() -> bool:
        assert ask(backends) == expected
        return True

    eventually(as_expected)


def test_slo_verify_succeeds_on_the_stack(
    pipeline: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    url = pipeline.site.addresses.url("prometheus")
    arguments = ("--prometheus", url, "--environment", ENVIRONMENT, "--service", "ports")

    def verified() -> bool:
        assert main(["--root", str(ROOT), "verify", *arguments]) == 0, capsys.readouterr().out
        return True

    eventually(verified)


def test_slo_report_covers_the_running_service(
    pipeline: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    url = pipeline.site.addresses.url("prometheus")

    def reported() -> bool:
        assert main(["--root", str(ROOT), "report", "--prometheus", url]) == 0, capsys.readouterr()
        told = capsys.readouterr().out
        return f"| ports | {ENVIRONMENT} | Availability |" in told and "| 99.9 % |" in told

    eventually(reported)


def test_the_collectors_lose_no_data(backends: Backends) -> None:
    """Nothing is lost between the service and the backends, whatever the signal."""

    def balanced() -> bool:
        for kind in ("spans", "log_records", "metric_points"):
            taken = backends.series(f'sum(otelcol_receiver_accepted_{kind}{{job="{AGENT}"}})')
            sent = backends.series(f'sum(otelcol_exporter_sent_{kind}{{job="{GATEWAY}"}})')
            assert taken, kind
            assert taken == sent, kind
        return True

    eventually(balanced)

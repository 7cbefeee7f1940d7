"""A second service, made from the template with the option `calls`, calls the first one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from stack import prometheus
from stack.addresses import Addresses
from stack.components import ENVIRONMENT, SERVE, Site
from stack.podlogs import PodLog
from stack.process import Process
from stack.stack import READY_SECONDS, Stack
from telemetry import names

from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST, FAST_SERVICE
from tests.service import ROOT
from tests.support.uv import uv

# The service is made, installed and started with the stack: a minute, more on a busy machine.
pytestmark = pytest.mark.timeout(600)

NAME: Final = "port-calls"
SCAFFOLD: Final = ROOT / "tests" / "platform" / "backstage" / "scaffold.mjs"
# The client's part of it is what the caller chose: both must survive two services.
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
REQUEST: Final = "request-through-both"
CALL: Final = {
    names.HTTP_METHOD: "GET",
    names.SERVER_ADDRESS: "127.0.0.1",
    names.HTTP_STATUS: "200",
    names.ERROR_TYPE: "",
}


@pytest.fixture(scope="module")
def addresses() -> Addresses:
    return Addresses()


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the second service, which is installed beside it."""
    root = tmp_path_factory.mktemp("caller")
    answers = [
        f"name={NAME}",
        "description=Calls of ships at ports",
        "owner=group:default/maritime",
        "calls=ports",
    ]
    run(root, "node", str(SCAFFOLD), str(ROOT), str(root), *answers)
    folder = root / "services" / NAME
    own = ("--no-deps", "--no-build-isolation", "--python", sys.executable)
    uv("pip", "install", "--quiet", *own, "--target", root / "installed", folder)
    return folder


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, addresses: Addresses, caller: Path
) -> Iterator[Stack]:
    """The stack with both services, after one request to the second one."""
    jobs = tuple(
        prometheus.service_job(name, ENVIRONMENT, addresses.endpoint(f"{name}-metrics"))
        for name in ("ports", NAME)
    )
    site = Site(
        tmp_path_factory.mktemp("calls"),
        addresses,
        jobs=jobs,
        prometheus_overrides=FAST,
        service_env=FAST_SERVICE,
    )
    with Stack(site) as stack:
        log = PodLog(site.pods, NAME)
        process = second(site, caller, log)
        process.start()
        log.start()
        try:
            process.wait_ready(READY_SECONDS)
            headers = {"traceparent": f"00-{TRACE}-00000000000000aa-01", "X-Request-ID": REQUEST}
            url = addresses.url(NAME)
            answer = httpx.get(f"{url}/{NAME}/ports/AEAJM", headers=headers, timeout=10)
            assert (answer.status_code, answer.json()) == (200, {"name": "Ajman"})
            yield stack
        finally:
            process.stop()
            log.join()


def second(site: Site, folder: Path, log: PodLog) -> Process:
    """The second service without the accelerator, as the template's image runs it."""
    at = site.addresses
    env = {
        "PORT": str(at.port(NAME)),
        "METRICS_PORT": str(at.port(f"{NAME}-metrics")),
        "PYTHONPATH": str(folder.parent.parent / "installed"),
        "TELEMETRY_FAST": "false",
        "PORT_CALLS_DRAIN_SECONDS": "0",
        "PORT_CALLS_PORTS_URL": at.url("ports"),
        "DJANGO_SETTINGS_MODULE": "port_calls.settings",  # pytest's own is that of ports
        "OTEL_EXPORTER_OTLP_ENDPOINT": at.url("agent-otlp-http"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={ENVIRONMENT}",
        **FAST_SERVICE,
    }
    process = site.process(NAME, [*SERVE], at.url(NAME) + "/ready", env)
    process.cwd, process.output = folder, log.writing_end
    return process


def test_one_trace_contains_both_services(pipeline: Stack, backends: Backends) -> None:
    def below(spans: list[dict[str, Any]], parent: str) -> list[Any]:
        return [
            (
                span["resource"]["service.name"],
                span["tags"]["span.kind"],
                span["name"],
                below(spans, span["id"]),
            )
            for span in spans
            if span["parent"] == parent
        ]

    store: Any = ("ports", "internal", "get ports", [])
    served = ("ports", "server", "GET /ports/{id}", [("ports", "internal", "get_port", [store])])
    call = (NAME, "client", "GET", [served])
    expected = [(NAME, "server", f"GET /{NAME}/ports/{{id}}", [call])]

    def as_expected() -> bool:
        assert below(backends.spans(TRACE), "00000000000000aa") == expected
        return True

    eventually(as_expected)


def test_both_services_log_the_same_request_id(pipeline: Stack, backends: Backends) -> None:
    def access_lines() -> dict[str, tuple[str, str]]:
        found = backends.logs(f'{{service_name=~"ports|{NAME}"}} | request_id="{REQUEST}"')
        lines = {
            each["service_name"]: (each["route"], each["trace_id"])
            for each in found
            if each["body"] == names.ACCESS_EVENT
        }
        assert set(lines) == {"ports", NAME}
        return lines

    assert eventually(access_lines) == {
        NAME: (f"/{NAME}/ports/{{id}}", TRACE),
        "ports": ("/ports/{id}", TRACE),
    }


def test_the_metrics_of_the_caller_count_the_call(
    pipeline: Stack, backends: Backends, addresses: Addresses
) -> None:
    labels = {**CALL, names.SERVER_PORT: str(addresses.port("ports"))}
    exposed = httpx.get(f"{addresses.url(f'{NAME}-metrics')}/metrics").text
    (family,) = [
        family
        for family in text_string_to_metric_families(exposed)
        if family.name == names.HTTP_CLIENT_DURATION
    ]
    (counted,) = [each for each in family.samples if each.name.endswith("_count")]
    assert (counted.labels, counted.value) == (labels, 1)
    assert set(labels) == set(names.METRICS[names.HTTP_CLIENT_DURATION].labels)
    selector = ",".join(f'{name}="{value}"' for name, value in labels.items())
    query = f"sum by ({names.SERVICE_NAME}) ({names.HTTP_CLIENT_DURATION}_count{{{selector}}})"
    assert eventually(lambda: backends.series(query)) == [({names.SERVICE_NAME: NAME}, 1)]


def test_an_unknown_port_is_404_for_the_caller_too(pipeline: Stack, addresses: Addresses) -> None:
    answer = httpx.get(f"{addresses.url(NAME)}/{NAME}/ports/XXXXX", timeout=10)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "nothing there has the id 'XXXXX'"

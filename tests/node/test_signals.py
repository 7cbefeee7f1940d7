"""Logs reach Loki, traces reach Jaeger and faults reach the pager, from pods on a real node."""

import secrets
import time
from typing import Any

import httpx
import pytest
from stack import kubernetes
from telemetry import names

from tests.e2e.backends import Backends, eventually
from tests.e2e.inbox import Inbox, Message
from tests.node import charts
from tests.node.backends import Places
from tests.node.images import SERVICE
from tests.node.node import Node, namespace
from tests.node.release import Release
from tests.support.harness import Load
from tests.terminal import run

pytestmark = pytest.mark.usefixtures("observability")
REQUESTS = 500


def ask(ports: Release, prefix: str, number: int) -> None:
    """Send `number` requests to the Service, each with its own request id."""
    with httpx.Client(base_url=f"http://{ports.address()}:8080", timeout=30) as client:
        for count in range(number):
            answer = client.get("/ports/AEAJM", headers={"X-Request-ID": f"{prefix}-{count}"})
            assert answer.status_code == 200


def access_lines(backends: Backends, prefix: str) -> list[dict[str, Any]]:
    """Return Loki's access lines of the requests with this prefix."""
    query = f'{{service_name="ports"}} | request_id =~ "{prefix}-.*"'
    found = backends.logs(query)
    return [line for line in found if line["body"] == names.ACCESS_EVENT]


def test_each_request_has_exactly_one_line_in_loki_even_after_an_outage_of_loki(
    ports: Release, observability: Places, backends: Backends
) -> None:
    ports.upgrade()
    prefix = secrets.token_hex(4)
    ask(ports, f"{prefix}-up", REQUESTS)
    with observability.away("loki"):
        ask(ports, f"{prefix}-away", REQUESTS)
    ask(ports, f"{prefix}-back", REQUESTS)
    eventually(lambda: len(access_lines(backends, prefix)) >= 3 * REQUESTS, 120)
    time.sleep(10)  # time for duplicates to arrive
    lines = access_lines(backends, prefix)
    ids = {line["request_id"] for line in lines}
    print(f"{3 * REQUESTS} requests, {len(lines)} lines, {len(ids)} request ids")
    assert (len(lines), len(ids)) == (3 * REQUESTS, 3 * REQUESTS)


def test_a_request_is_a_trace_and_a_line_of_one_pod(ports: Release, backends: Backends) -> None:
    ports.upgrade()
    trace, prefix = secrets.token_hex(16), secrets.token_hex(4)
    headers = {"X-Request-ID": f"{prefix}-0", "traceparent": f"00-{trace}-{'1' * 16}-01"}
    answer = httpx.get(f"http://{ports.address()}:8080/ports/AEAJM", headers=headers)
    assert answer.status_code == 200
    spans = eventually(lambda: backends.spans(trace))
    (line,) = eventually(lambda: access_lines(backends, prefix))
    (pod,) = ports.pods()
    assert line["trace_id"] == trace
    for span in spans:
        of = span["resource"]
        assert of["k8s.pod.name"] == pod["metadata"]["name"] == line["k8s_pod_name"]
        assert of["k8s.namespace.name"] == ports.namespace
        assert of["k8s.deployment.name"] == "ports"
        assert of["service.version"] == SERVICE == line["service_version"]
        assert of["deployment.environment.name"] == "local"
        # The service adds the worker to the container's name.
        assert of["service.instance.id"].startswith(line["service_instance_id"])


def test_a_fault_pages_and_its_end_resolves_the_page(
    node: Node,
    typed: dict[str, str],
    inbox: Inbox,
    observability: Places,
    backends: Backends,
) -> None:
    """The commands are those of the README; in the rules an hour lasts a minute."""
    node.apply([namespace("ports-local", "restricted")])
    deploy = f"make deploy TAG={SERVICE} ALLOW_CONTEXT={kubernetes.CONTEXT}"
    said = run(deploy, env=typed, seconds=150)
    assert ("has no Prometheus operator" in said) == (not charts.ARE_REAL)
    observability.hasten("ports-local")
    local = Release(node, "ports-local", typed)
    counted = f'{names.HTTP_SERVER_DURATION}_count{{namespace="ports-local"}}'
    eventually(lambda: backends.series(counted))
    load = Load(8080, clients=4, pause_seconds=0.05, host=local.address()).start()
    try:
        begin = time.time()
        run("make fault FAULT=errors SHARE=0.5", env=typed)
        page = eventually(lambda: _pages(inbox, "firing", begin), 120)[0]
        print(f"page {page.at - begin:.0f} s after the fault: {page.alerts[0]['labels']}")
        assert page.alerts[0]["labels"][names.SERVICE_NAME] == "ports"
        run("make fault FAULT=off", env=typed)
        ended = time.time()
        page = eventually(lambda: _pages(inbox, "resolved", ended), 180)[0]
        print(f"resolved {page.at - ended:.0f} s after its end")
    finally:
        load.stop.set()
        load.join()
        node.kubectl("delete", "namespace", "ports-local", "--timeout=60s")


def _pages(inbox: Inbox, status: str, since: float) -> list[Message]:
    """Pages since a time with an alert about availability in this state."""
    found = inbox.of("page", since)
    wanted = (status, "availability")  # latency pages too where the machine is busy
    return [
        page
        for page in found
        if wanted in {(each["status"], each["labels"].get("slo")) for each in page.alerts}
    ]

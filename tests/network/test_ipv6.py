"""The service and the backends where a pod has IPv6 alone: `make test-ipv6`.

The target makes a network namespace around pytest. Nobody else is there: no port needs choosing.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from ruamel.yaml import YAML
from stack import values
from stack.process import Process
from stack.ways import tool
from telemetry import names

from tests.service import DEADLINE_SECONDS, FOLDER, environment

PORT: Final = 8080
METRICS_PORT: Final = 9090
# The address that the target gives this namespace, as a node gives one to a pod.
POD: Final = "fd00::1"
NOWHERE: Final = f"[{POD}]:9"


@pytest.fixture(autouse=True, scope="module")
def _ipv6_alone() -> None:
    """Check that there is no IPv4 here but the loopback address, which every pod has."""
    shown = subprocess.run(["ip", "-4", "-oneline", "address"], capture_output=True, check=True)
    assert [line.split()[3] for line in shown.stdout.decode().splitlines()] == ["127.0.0.1/8"]


def ask(path: str, port: int = PORT, address: str = POD) -> tuple[int, bytes]:
    """Return status and content of an answer."""
    connection = http.client.HTTPConnection(address, port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@contextmanager
def serving(log: Path, host: str, workers: str, address: str) -> Iterator[None]:
    """Serve the ports on this HOST."""
    settings = {
        "HOST": host,
        "PORT": str(PORT),
        "METRICS_PORT": str(METRICS_PORT),
        "WEB_CONCURRENCY": workers,
        "PORTS_DRAIN_SECONDS": "0",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.gunicorn"],
            cwd=FOLDER,
            env=environment(**settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                if ask("/ready", address=address)[0] == http.client.OK:
                    break
            except OSError:
                assert time.monotonic() < until, log.read_text()
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("host", "workers"), [("::", "1"), ("[::]", "2"), (POD, "1"), ("::1", "2"), ("[::1]", "1")]
)
def test_the_service_serves_over_ipv6(tmp_path: Path, host: str, workers: str) -> None:
    log = tmp_path / "log"
    address = "::1" if "::1" in (host, host.strip("[]")) else POD
    with serving(log, host, workers, address):
        status, port = ask("/ports/AEAJM", address=address)
        assert (status, json.loads(port)["name"]) == (200, "Ajman")
        status, metrics = ask("/metrics", METRICS_PORT, address)
        assert status == http.client.OK
        assert b'http_route="/ports/{id}"' in metrics
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (access,) = [line for line in lines if line["event"] == names.ACCESS_EVENT]
    assert access["client"] == address
    assert {line["level"] for line in lines} == {"info"}


COLLECTOR: Final = (13133, 4317, 4318, 8888)
# Program, its configuration's argument, and the ports that the charts' values have it listen on.
BACKENDS: Final = {
    "gateway": ("otelcol", "--config={}", COLLECTOR),
    "agent": ("otelcol", "--config={}", COLLECTOR),
    "jaeger": ("jaeger", "--config={}", (13133, 16686, 16685, 4317, 4318, 8888)),
    "loki": ("loki", "-config.file={}", (3100, 9095)),
}
READY: Final = {"jaeger": ":13133/status", "loki": ":3100/ready"}


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_listens_on_ipv6_with_its_charts_configuration(tmp_path: Path, name: str) -> None:
    program, argument, ports = BACKENDS[name]
    make = {"jaeger": values.jaeger, "loki": values.loki}
    content = make[name]() if name in make else values.collector(name)
    file = tmp_path / "config.yaml"
    with file.open("w") as out:
        YAML().dump(content, out)
    variables = {
        "STORAGE_DIRECTORY": str(tmp_path),
        "POD_LOGS": str(tmp_path),
        "DEPLOYMENT_ENVIRONMENT_NAME": "test",
        **dict.fromkeys(("JAEGER_ENDPOINT", "GATEWAY_ENDPOINT"), NOWHERE),
        **dict.fromkeys(("PROMETHEUS_URL", "LOKI_URL"), f"http://{NOWHERE}"),
    }
    expand = ["-config.expand-env=true"] if name == "loki" else []
    backend = Process(
        name,
        [tool(program), argument.format(file), *expand],
        tmp_path / "log",
        f"http://[{POD}]" + READY.get(name, ":13133"),
        {key: text for key, text in variables.items() if key not in os.environ},
    )
    backend.start()
    try:
        backend.wait_ready(DEADLINE_SECONDS)
        for port in ports:
            socket.create_connection((POD, port), timeout=5).close()
    finally:
        backend.stop()

"""With a release of a dependency that the accelerator is not made for, stock parts serve."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import service
from tests.service import ROOT
from tests.support.harness import Receiver
from tests.support.uv import uv

REQUESTS = 25
# The release before the one that is locked; those of OpenTelemetry need each other.
BEFORE = {
    "gunicorn": ("gunicorn<27.0.1",),
    "opentelemetry-sdk": (
        "opentelemetry-distro<0.66b1",
        "opentelemetry-exporter-otlp-proto-grpc<1.45.1",
        "opentelemetry-exporter-otlp-proto-http<1.45.1",
        "opentelemetry-instrumentation-django<0.66b1",
        "opentelemetry-instrumentation-psycopg<0.66b1",
        "opentelemetry-sdk<1.45.1",
    ),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.up()
    yield made
    made.down()


@pytest.mark.parametrize("name", BEFORE)
def test_one_release_off_the_stock_parts_serve_say_so_and_lose_no_span(
    name: str, receiver: Receiver, tmp_path: Path
) -> None:
    environment, port = tmp_path / "environment", service.free_port()
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    install = ("pip", "install", "--quiet", "--python", python)
    uv(*install, "--requirements", "requirements/runtime.in", "setuptools", *BEFORE[name])
    packages = [f"-e./packages/{each}" for each in ("service", "telemetry", "telemetry-fast")]
    uv(*install, "--no-deps", "--no-build-isolation", *packages, "-e./services/ports")
    settings = receiver.environment() | {"PORT": str(port), "PORTS_DRAIN_SECONDS": "0"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "gunicorn"],
            cwd=ROOT / "services" / "ports",
            env=service.environment(**settings, PYTHONPATH=os.environ.get("PYTHONPATH", "")),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            service.wait_until_ready(
                service.Service(str(client.base_url), process, tmp_path / "log", client)
            )
            for _ in range(REQUESTS):
                assert client.get("/ports/AEAJM").status_code == 200
        process.terminate()
        assert process.wait(service.DEADLINE_SECONDS) == 0
    finally:
        service.stop(process)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    (stock,) = [line for line in lines if line["event"] == "telemetry.stock"]
    assert f"{name} " in stock["reason"]
    assert "expected" in stock["reason"]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    servers = [span for span in receiver.spans() if span.name == "GET /ports/{id}"]
    assert len(servers) == REQUESTS

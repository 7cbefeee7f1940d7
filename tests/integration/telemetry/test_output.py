"""Standard output that nobody reads: a pipe whose reader stalls."""

import os
import subprocess
import sys
import time

import httpx

from tests import service
from tests.service import FOLDER

REQUESTS = 400  # more lines than the 64 KiB of a pipe hold


def test_a_service_whose_output_nobody_reads_serves_counts_and_stops() -> None:
    port = service.free_port()
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn"],
        cwd=FOLDER,
        env=service.environment(PORT=str(port), PORTS_DRAIN_SECONDS="0"),
        stdout=writer,
        stderr=subprocess.STDOUT,
    )
    os.close(writer)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until_ready(client)
            statuses = {client.get("/ports/AEAJM").status_code for _ in range(REQUESTS)}
            assert statuses == {200}
            assert client.get("/live").status_code == 200
            metrics = client.get("/metrics").text
        (dropped,) = [line for line in metrics.splitlines() if line.startswith("telemetry_log_")]
        assert 0 < float(dropped.split()[1]) < REQUESTS
        process.terminate()
        assert process.wait(service.DEADLINE_SECONDS) == 0
    finally:
        service.stop(process)
        os.close(reader)


def until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + service.DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("not ready")

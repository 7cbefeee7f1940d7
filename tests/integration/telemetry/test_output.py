"""Standard output that nobody reads: a pipe whose reader stalls."""

import os
from pathlib import Path

from tests import service

REQUESTS = 400  # more lines than the 64 KiB of a pipe hold


def test_a_service_whose_output_nobody_reads_serves_counts_and_stops(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with service.running(tmp_path, writer) as running:
            client = running.client
            statuses = {client.get("/ports/AEAJM").status_code for _ in range(REQUESTS)}
            assert statuses == {200}
            assert client.get("/live").status_code == 200
            metrics = client.get("/metrics").text
            (dropped,) = [
                line for line in metrics.splitlines() if line.startswith("telemetry_log_")
            ]
            assert 0 < float(dropped.split()[1]) < REQUESTS
            running.process.terminate()
            assert running.process.wait(service.DEADLINE_SECONDS) == 0
    finally:
        os.close(writer)
        os.close(reader)

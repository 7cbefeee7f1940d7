"""A game day's fault in the running service."""

import json
from pathlib import Path

from stack.chaos import inject

from tests import service


def test_a_fault_begins_and_ends_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "fault.json"
    with service.running(tmp_path, PORTS_FAULTS_FILE=str(file), WEB_CONCURRENCY="2") as running:

        def statuses(path: str) -> set[int]:
            return {running.client.get(path).status_code for _ in range(20)}

        assert statuses("/ports/AEAJM") == {200}
        for fault, status in (("errors", 500), ("db-down", 503), ("latency", 200)):
            inject(file, fault, 1)
            count = 1 if fault == "latency" else 20
            answers = [running.client.get("/ports/AEAJM") for _ in range(count)]
            assert {answer.status_code for answer in answers} == {status}
            assert statuses("/ready") == {200}
        assert answers[0].elapsed.total_seconds() >= 0.3
        inject(file, "off", 1)
        assert statuses("/ports/AEAJM") == {200}
        metrics = running.client.get("/metrics").text
        lines = [json.loads(line) for line in running.lines() if "http.server.error" in line]
    assert [line["level"] for line in lines] == ["error"] * 20 + ["warning"] * 20
    assert all(line["request_id"] for line in lines)
    assert lines[0]["exception"]["type"] == "seaports.adapters.http.faults.InjectedFault"
    assert lines[-1]["reason"] == "the database does not answer (injected)"
    errors = [line for line in metrics.splitlines() if 'status_code="500"' in line]
    counted = [line for line in errors if line.startswith("http_server_request_duration_seconds_c")]
    assert all('http_route="/ports/{id}"' in line for line in counted if not line.endswith(" 0.0"))
    assert sum(float(line.split()[-1]) for line in counted) == 20

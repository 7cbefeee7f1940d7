"""A Prometheus whose write-ahead log is corrupt tells so when it starts again."""

import json
import time
from pathlib import Path
from typing import Any, Final

from stack import compressed, values

from tests.e2e.backends import eventually
from tests.platform.slo.real import Prometheus, prometheus
from tests.service import free_port

ALERT: Final = 'ALERTS{alertname="PrometheusWalCorrupt"}'
SCALE: Final = 1 / 30  # rules are due every second


def configuration(folder: Path, port: int) -> str:
    """Return a Prometheus that scrapes itself and evaluates the platform's rules."""
    rules = folder / "rules.yaml"
    rules.write_text(json.dumps(compressed.configuration(values.pipeline_rules(), SCALE)))
    own: dict[str, Any] = {
        "job_name": "prometheus-prometheus",
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    return json.dumps(
        {
            "global": {"scrape_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [own],
        }
    )


def evaluated(server: Prometheus) -> bool:
    """Tell whether the server has evaluated its rules over its own metrics."""
    return bool(server.query("prometheus_rule_group_iterations_total > 2", time.time()))


def test_a_corrupt_log_fires_the_alert_at_the_next_start(tmp_path: Path) -> None:
    port = free_port()
    config = configuration(tmp_path, port)
    listen = f"--web.listen-address=127.0.0.1:{port}"
    with prometheus(tmp_path, config, listen) as server:
        assert eventually(lambda: evaluated(server))
        assert server.query(ALERT, time.time()) == []

    segment = min((tmp_path / "data" / "wal").glob("0*"))
    content = bytearray(segment.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = b"\xff" * 64
    segment.write_bytes(content)

    with prometheus(tmp_path, config, listen) as server:
        found = eventually(lambda: server.query(ALERT, time.time()))
        assert [labels["alertstate"] for labels, _ in found] == ["firing"]
        told = server.query("prometheus_tsdb_wal_corruptions_total", time.time())
        assert [value for _, value in told] == [1]
        grown = "increase(prometheus_tsdb_wal_corruptions_total[1m]) > 0"
        assert server.query(grown, time.time()) == [], "an increase alone would not tell"

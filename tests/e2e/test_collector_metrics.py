"""Metrics that a Collector exposes if it balances or samples: the ones that alerts read."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from stack.addresses import Addresses
from stack.process import Process
from stack.stack import READY_SECONDS
from stack.values import collector

from tests.e2e.backends import eventually
from tests.platform.slo.real import tool
from tests.support import owners

SPAN: Final = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}


def configuration(at: Addresses) -> dict[str, Any]:
    """Return a Collector that sends samples to nobody; it names its metrics as the gateway does."""
    telemetry = collector("gateway")["service"]["telemetry"]
    peers = {"static": {"hostnames": [at.endpoint("nobody")]}}
    # Without a queue, spans that are not taken are lost at once.
    off = {"retry_on_failure": {"enabled": False}, "sending_queue": {"enabled": False}}
    sender = {"otlp": {"tls": {"insecure": True}, "timeout": "1s", **off}}
    everything = {"name": "all", "type": "always_sample"}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": at.endpoint("otlp")}}}},
        "processors": {"tail_sampling": {"decision_wait": "1s", "policies": [everything]}},
        "exporters": {"loadbalancing": {"resolver": peers, "protocol": sender}},
        "service": {
            "telemetry": telemetry,
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["tail_sampling"],
                    "exporters": ["loadbalancing"],
                }
            },
        },
    }


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Addresses]:
    addresses = Addresses()
    file = tmp_path / "collector.yaml"
    file.write_text(json.dumps(configuration(addresses)))
    process = Process(
        "collector",
        [tool("otelcol"), "--config", str(file)],
        tmp_path / "collector.log",
        f"{addresses.url('metrics')}/metrics",
        {"METRICS_HOST": "127.0.0.1", "METRICS_PORT": str(addresses.port("metrics"))},
    )
    process.start()
    try:
        process.wait_ready(READY_SECONDS)
        yield addresses
    finally:
        process.stop()


def test_each_metric_that_an_alert_reads_is_exposed(at: Addresses) -> None:
    now = str(time.time_ns())
    span = {**SPAN, "name": "any", "startTimeUnixNano": now, "endTimeUnixNano": now}
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    httpx.post(f"{at.url('otlp')}/v1/traces", json=sent).raise_for_status()

    def failed() -> re.Match[str] | None:
        text = httpx.get(f"{at.url('metrics')}/metrics").text
        assert owners.missing(owners.OPTIONS_OF_COLLECTORS, [text]) == {}
        return re.search(r'otelcol_loadbalancer_backend_outcome\{.*success="false"\} 1', text)

    assert eventually(failed)

"""The demo's traffic: a real Cloudprober, by the demo's configuration, asks a real service."""

import time
from pathlib import Path

from demo import hosts
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from telemetry import names

from tests.platform.slo.real import ROOT, serving, tool
from tests.service import Service, free_port, running

SECONDS = 6.0


def requests(service: Service) -> dict[str, float]:
    """The requests for /ports that the service counted, by status."""
    text = service.client.get("/metrics").raise_for_status().text
    counts: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            is_count = sample.name == f"{names.HTTP_SERVER_DURATION}_count"
            if is_count and sample.labels[names.HTTP_ROUTE] == "/ports":
                status = sample.labels[names.HTTP_STATUS]
                counts[status] = counts.get(status, 0) + sample.value
    return counts


def test_twenty_requests_a_second_arrive_and_succeed(tmp_path: Path) -> None:
    configured, _ = hosts.traffic(ROOT, "ports", ("dev",))
    config = YAML(typ="safe").load(configured["data"]["cloudprober.yaml"])
    port = free_port()
    file = tmp_path / "cloudprober.yaml"
    with running(tmp_path) as service:
        (probe,) = config["probe"]
        probe["targets"]["host_names"] = "127.0.0.1"
        probe["http_probe"]["port"] = int(service.url.rpartition(":")[2])
        with file.open("w") as out:
            YAML().dump({"host": "127.0.0.1", "port": port, **config}, out)
        command = (tool("cloudprober"), "--config_file", str(file))
        with serving(
            *command, url=f"http://127.0.0.1:{port}", ready="/health", log=tmp_path / "log"
        ):
            before = requests(service)
            time.sleep(SECONDS)
            after = requests(service)
    rate = (after["200"] - before.get("200", 0)) / SECONDS
    print(f"{rate:.1f} requests a second")
    assert 10 < rate < 30
    assert sum(count for status, count in after.items() if status != "200") == 0

"""Thanos exposes each metric that an alert about Thanos reads."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.backends import eventually
from tests.platform.slo.real import tool
from tests.service import free_port
from tests.support import owners
from tests.support.harness import wait_for

RULES: Final = {
    "groups": [
        {
            "name": "always",
            "interval": "1s",
            "rules": [{"alert": "Always", "expr": "vector(1)"}],
        }
    ]
}


class Components:
    """Query, Ruler, compactor and store gateway over one bucket, with no Prometheus."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start all of them; `stack` ends them."""
        self._folder, self._stack = folder, stack
        bucket = folder / "bucket"
        bucket.mkdir()
        storage = {"type": "FILESYSTEM", "config": {"directory": str(bucket)}}
        self._storage = self._file("storage.yaml", storage)
        self._of_ruler = free_port()
        self.query = self._start("query", f"--endpoint=127.0.0.1:{self._of_ruler}")
        self.all = [self.query, self._ruler(), self._over("compact", "--wait"), self._over("store")]

    def metrics(self) -> list[str]:
        """Return what each answers at /metrics."""
        return [httpx.get(f"{url}/metrics").text for url in self.all]

    def _ruler(self) -> str:
        rules = self._file("rules.yaml", RULES)
        # Nobody listens there: alerts are dropped.
        silent = f"--alertmanagers.url=http://127.0.0.1:{free_port()}"
        flags = (f"--query={self.query}", f"--rule-file={rules}", '--label=replica="a"', silent)
        return self._over("rule", *flags)

    def _over(self, component: str, *flags: str) -> str:
        data = f"--data-dir={self._folder / component}"
        return self._start(component, f"--objstore.config-file={self._storage}", data, *flags)

    def _start(self, component: str, *flags: str) -> str:
        address = f"127.0.0.1:{free_port()}"
        command = [tool("thanos"), component, f"--http-address={address}", *flags]
        if component != "compact":
            port = self._of_ruler if component == "rule" else free_port()
            command.append(f"--grpc-address=127.0.0.1:{port}")
        log = self._stack.enter_context((self._folder / f"{component}.log").open("w"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)
        url = f"http://{address}"

        def ready() -> bool:
            assert process.poll() is None, Path(log.name).read_text()
            try:
                return httpx.get(f"{url}/-/ready").is_success
            except httpx.TransportError:
                return False

        wait_for(f"{component} is ready", ready)
        return url

    def _file(self, name: str, content: object) -> Path:
        file = self._folder / name
        file.write_text(json.dumps(content))
        return file


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Components]:
    with ExitStack() as stack:
        yield Components(tmp_path_factory.mktemp("components"), stack)


def test_each_metric_that_an_alert_reads_is_exposed(components: Components) -> None:
    for path in ("query?query=up", "query_range?query=up&start=0&end=1&step=1"):
        httpx.get(f"{components.query}/api/v1/{path}").raise_for_status()

    def complete() -> bool:
        assert owners.missing(owners.THANOS, components.metrics()) == {}
        return True

    assert eventually(complete)


def test_a_query_that_fails_while_it_is_evaluated_is_counted_as_422(components: Components) -> None:
    many = 'label_replace(vector(1), "a", "b", "", "") * on (c) group_left () (vector(1) or '
    failing = many + 'label_replace(vector(1), "a", "x", "", ""))'
    answer = httpx.get(f"{components.query}/api/v1/query", params={"query": failing})
    assert answer.status_code == 422, answer.text
    text = httpx.get(f"{components.query}/metrics").text
    assert 'http_requests_total{code="422",handler="query"' in text


def test_the_ruler_exposes_what_the_alert_about_late_rules_reads(components: Components) -> None:
    own = ("prometheus_rule_group_", "prometheus_rule_evaluation_failures_total")

    def complete() -> bool:
        assert owners.missing(own, components.metrics()[1:2]) == {}
        return True

    assert eventually(complete)


def test_alerts_that_reach_no_alertmanager_are_counted_as_dropped(components: Components) -> None:
    def dropped() -> float:
        counted = "thanos_alert_sender_alerts_dropped_total"
        lines = components.metrics()[1].splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith(f"{counted} "))
        return float(value)

    assert eventually(dropped) > 0

"""Loki as the profile `scaled` deploys it: one process for each target, logs in an object store."""

import json
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from ruamel.yaml import YAML
from stack import values
from stack.process import Process

from tests.platform.slo.real import tool
from tests.service import free_port
from tests.support.object_store import ObjectStore

COPIES = 3
INGESTERS = ("ingester-0", "ingester-1", "ingester-2")
QUERIERS = ("querier-0", "querier-1")
# In the order of their start.
TARGETS = (
    *("compactor", "index-gateway", "query-scheduler"),
    *INGESTERS,
    *("distributor", "query-frontend"),
    *QUERIERS,
)
READY_WITHIN_SECONDS = 120
SERVICE = {"key": "service.name", "value": {"stringValue": "probe"}}


@dataclass(frozen=True)
class Ports:
    """Where a process listens."""

    http: int
    grpc: int
    gossip: int


class Loki:
    """The processes of one Loki."""

    def __init__(self, folder: Path, store: ObjectStore, copies: int) -> None:
        self._folder = folder
        self._ports = {each: Ports(free_port(), free_port(), free_port()) for each in TARGETS}
        self._env = {
            **store.environment,
            "HTTP_HOST": "127.0.0.1",
            "INSTANCE_ADDR": "127.0.0.1",
            "MEMBERLIST": f"127.0.0.1:{self._ports['compactor'].gossip}",
            **{
                name: f"127.0.0.1:{self._ports[target].grpc}"
                for name, target in {
                    "COMPACTOR": "compactor",
                    "INDEX_GATEWAY": "index-gateway",
                    "QUERY_SCHEDULER": "query-scheduler",
                }.items()
            },
        }
        self._config = folder / "loki.yaml"
        self._processes: dict[str, Process] = {}
        self.http = httpx.Client(timeout=30)
        with self._config.open("w") as out:
            YAML().dump(_configuration(copies), out)

    def url(self, name: str) -> str:
        """Base URL of a process."""
        return f"http://127.0.0.1:{self._ports[name].http}"

    def start(self, name: str) -> None:
        """Start a process over the files that it left."""
        ports = self._ports[name]
        target = name.rstrip("-012")
        data = self._folder / name
        data.mkdir(exist_ok=True)
        command = [
            tool("loki"),
            f"-config.file={self._config}",
            "-config.expand-env=true",
            f"-target={target}",
            # A pod's own address and name.
            "-memberlist.advertise-addr=127.0.0.1",
            f"-memberlist.advertise-port={ports.gossip}",
            *([f"-ingester.lifecycler.ID={name}"] if target == "ingester" else []),
            "-ingester.min-ready-duration=1s",
        ]
        env = {
            **self._env,
            "HTTP_PORT": str(ports.http),
            "GRPC_PORT": str(ports.grpc),
            "MEMBERLIST_PORT": str(ports.gossip),
            "STORAGE_DIRECTORY": str(data),
        }
        log = self._folder / f"{name}.log"
        process = Process(name, command, log, self.url(name) + "/ready", env=env)
        process.start()
        self._processes[name] = process

    def wait_ready(self) -> None:
        """Wait until each process that runs is ready."""
        for process in self._processes.values():
            process.wait_ready(READY_WITHIN_SECONDS)

    def resident(self) -> dict[str, int]:
        """Return the resident memory of each process, in bytes."""
        found = self._processes.items()
        return {name: psutil.Process(each.pid).memory_info().rss for name, each in found}

    def stop(self, name: str, first: signal.Signals = signal.SIGTERM) -> None:
        """Stop a process: orderly, or by SIGKILL."""
        self._processes.pop(name).stop(first)

    def close(self) -> None:
        """Stop them all."""
        for name in reversed(list(self._processes)):
            self.stop(name)
        self.http.close()

    def forget(self, name: str) -> None:
        """Delete the files of a process that is stopped."""
        shutil.rmtree(self._folder / name)

    def push(self, lines: Sequence[str]) -> None:
        """Send log records by OTLP to the distributor.

        Raises:
            httpx.HTTPStatusError: Loki refused them.
        """
        now = time.time_ns()
        records = [
            {"timeUnixNano": str(now + number), "body": {"stringValue": line}}
            for number, line in enumerate(lines)
        ]
        scope = {"scopeLogs": [{"logRecords": records}], "resource": {"attributes": [SERVICE]}}
        body = json.dumps({"resourceLogs": [scope]})
        headers = {"Content-Type": "application/json"}
        url = self.url("distributor") + "/otlp/v1/logs"
        self.http.post(url, content=body, headers=headers).raise_for_status()

    def lines(self) -> list[str]:
        """Return each line that a query of the last hour finds, in its order."""
        answer = self.http.get(
            self.url("query-frontend") + "/loki/api/v1/query_range",
            params={
                "query": '{service_name="probe"}',
                "start": f"{time.time() - 3600:.3f}",
                "limit": 5000,
                "direction": "forward",
            },
        )
        streams = answer.raise_for_status().json()["data"]["result"]
        return [line for _, line in sorted(pair for each in streams for pair in each["values"])]


def _configuration(copies: int) -> values.Values:
    config = values.loki("scaled")
    assert config["common"]["replication_factor"] == COPIES
    return values.merge(config, {"common": {"replication_factor": copies}})


@contextmanager
def loki(folder: Path, store: ObjectStore, copies: int = COPIES) -> Iterator[Loki]:
    """Run every target until the block ends.

    Args:
        folder: Where their files lie.
        store: Holds chunks and index.
        copies: Ingesters that get each line.
    """
    running = Loki(folder, store, copies)
    try:
        for name in TARGETS:
            running.start(name)
        running.wait_ready()
        yield running
    finally:
        running.close()

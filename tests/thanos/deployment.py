"""Prometheus pairs under Thanos as processes, each of which can be killed and started again.

Stand-ins: the processes, for the pods that the Prometheus operator and the chart of Thanos make.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stack import prometheus
from stack.values import Values

from tests.platform.slo.real import PORTS, Prometheus, run, tool
from tests.service import free_port
from tests.support.harness import wait_for
from tests.support.object_store import ObjectStore, object_store
from tests.thanos import flags

BUCKET = "thanos"


@dataclass
class Program:
    """A program of the deployment."""

    name: str
    command: tuple[str, ...]
    log: Path
    http: str
    grpc: str = ""
    ready: str = "/-/ready"
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base URL of its HTTP interface."""
        return f"http://{self.http}"

    def start(self) -> "Program":
        """Start it, and return once it is ready."""
        self.begin()
        wait_for(f"{self.name} is ready ({self.log})", self.is_ready)
        return self

    def begin(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)

    def is_ready(self) -> bool:
        """Tell whether it takes requests."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-3000:]}"
        try:
            return httpx.get(self.url + self.ready, timeout=5).status_code < 500
        except httpx.HTTPError:
            return False

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default without a goodbye."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None


class Deployment:
    """The programs by name, and the bucket that they share."""

    def __init__(self, folder: Path, objects: ObjectStore) -> None:
        """Keep all files in a folder, and blocks in a bucket."""
        self.folder = folder
        self.programs: dict[str, Program] = {}
        self._objects = objects
        self._addresses: dict[str, str] = {}
        self._bucket = folder / "bucket.json"
        self._bucket.write_text(json.dumps({"type": "S3", "config": objects.of_thanos}))

    def __getitem__(self, name: str) -> Program:
        return self.programs[name]

    def start(self, *names: str) -> None:
        """Start programs, all at once, and return when they are ready."""
        for name in names:
            self[name].begin()
        for name in names:
            wait_for(f"{name} is ready ({self[name].log})", self[name].is_ready)

    def kill(self, *names: str) -> None:
        """End programs without a goodbye."""
        for name in names:
            self[name].end()

    def pair(self, cluster: str, jobs: Sequence[Values], rules: Sequence[Path] = ()) -> None:
        """Add two Prometheus with the same targets, and a sidecar of each."""
        for replica in ("0", "1"):
            self.replica(cluster, replica, jobs, rules)

    def replica(
        self,
        cluster: str,
        replica: str,
        jobs: Sequence[Values],
        rules: Sequence[Path] = (),
        retention: str = "",
    ) -> None:
        """Add a Prometheus and its sidecar."""
        name = f"prometheus-{cluster}-{replica}"
        folder, http = self.folder / name, _address()
        folder.mkdir(exist_ok=True)
        spec = flags.prometheus_spec(retention)
        config = prometheus.config(spec, jobs=jobs, alertmanager="127.0.0.1:9", rule_files=rules)
        config["global"]["external_labels"] = {"cluster": cluster, "prometheus_replica": name}
        config["alerting"] = {}
        (folder / "prometheus.json").write_text(json.dumps(config))
        command = (
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.json'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={http}",
            *prometheus.flags(spec),
            *flags.PROMETHEUS,
        )
        self._add(Program(name, command, folder / "log", http))
        self.thanos(
            f"sidecar-{cluster}-{replica}", "sidecar",
            f"--prometheus.url=http://{http}", f"--tsdb.path={folder / 'data'}",
            f"--objstore.config-file={self._bucket}",
        )  # fmt: skip

    def query(
        self,
        name: str,
        others: Sequence[str],
        strict: Sequence[str] = (),
        *,
        given: Sequence[str] = flags.QUERY,
    ) -> None:
        """Add a Query over other programs; those of `strict` are never left out."""
        self.thanos(
            name, "query", *given,
            *(f"--endpoint={self[each].grpc}" for each in others),
            flags.strict([self[each].grpc for each in strict]),
        )  # fmt: skip

    def gateway(self, name: str = "storegateway") -> None:
        """Add a store gateway."""
        # The first block appears with the first look at the bucket; in production every minutes.
        self.thanos(
            name, "store", f"--data-dir={self.folder / name}",
            f"--objstore.config-file={self._bucket}", "--sync-block-duration=1s",
        )  # fmt: skip

    def rulers(self, cluster: str, query: str, alertmanager: str) -> None:
        """Add two rulers that ask a Query, which may be added later, and tell an Alertmanager."""
        asked = self._address_of(query)
        for replica in ("0", "1"):
            name = f"ruler-{replica}"
            program = self.thanos(
                name, "rule", *flags.RULER, "--data-dir=data",
                f'--label=cluster="{cluster}"', f'--label=thanos_ruler_replica="{name}"',
                f"--rule-file={PORTS / 'rules.yaml'}",
                f"--query={asked}",
                f"--alertmanagers.url={alertmanager}",
                f"--objstore.config-file={self._bucket}",
            )  # fmt: skip
            # A path of the same name, as in two pods: groups are evaluated at the same moments.
            program.folder = self.folder / name
            program.folder.mkdir()

    def upload(self, blocks: Path, **labels: str) -> None:
        """Put a folder's blocks into the bucket, with the external labels of who made them."""
        run(
            tool("thanos"), "tools", "bucket", "upload-blocks", f"--path={blocks}",
            f"--objstore.config-file={self._bucket}",
            *(f'--label={name}="{value}"' for name, value in labels.items()),
        )  # fmt: skip

    def blocks(self) -> list[dict[str, Any]]:
        """Return what the bucket's blocks say of themselves."""
        found = self._objects.bucket.glob("*/meta.json")
        return [json.loads(file.read_text()) for file in found]

    def compact(self, *given: str) -> str:
        """Run the compactor once, to its end, and return what it wrote."""
        done = subprocess.run(
            (
                tool("thanos"), "compact",
                f"--data-dir={self.folder / 'compactor'}",
                f"--objstore.config-file={self._bucket}",
                f"--http-address={_address()}",
                # Blocks that were uploaded this minute, too.
                "--consistency-delay=0s",
                *(given or flags.COMPACTOR),
            ),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stderr

    def thanos(self, name: str, component: str, *arguments: str) -> Program:
        """Add a component of Thanos."""
        http, grpc = self._address_of(name), _address()
        command = (
            tool("thanos"), component, f"--http-address={http}", f"--grpc-address={grpc}",
            "--http-grace-period=0s", "--grpc-grace-period=0s", *arguments,
        )  # fmt: skip
        return self._add(Program(name, command, self.folder / f"{name}.log", http, grpc))

    def _address_of(self, name: str) -> str:
        return self._addresses.setdefault(name, _address())

    def _add(self, program: Program) -> Program:
        self.programs[program.name] = program
        return program

    @contextmanager
    def asking(self, name: str) -> Iterator[Prometheus]:
        """Ask a program by Prometheus' query API."""
        with httpx.Client(base_url=self[name].url, timeout=120) as client:
            yield Prometheus(self[name].url, client)


def _address() -> str:
    return f"127.0.0.1:{free_port()}"


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Yield a deployment with a bucket only; end all its programs in the end."""
    with object_store(folder, BUCKET) as objects:
        deployment = Deployment(folder, objects)
        try:
            yield deployment
        finally:
            for program in deployment.programs.values():
                if program.process is not None:
                    program.process.terminate()
            deadline = time.monotonic() + 20
            for program in deployment.programs.values():
                if program.process is not None:
                    try:
                        program.process.wait(timeout=max(0.1, deadline - time.monotonic()))
                    except subprocess.TimeoutExpired:
                        program.end()

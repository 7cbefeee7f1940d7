"""The service and its peers as processes pinned to one core, and what they cost there.

The peers are run as tests/bench/peers/README.md says.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.service import FOLDER, ROOT, environment, free_port

PEERS = Path(__file__).parent / "peers"
PEERS_BIN = ROOT / ".venv-bench" / "bin"
OWN_BIN = ROOT / ".venv" / "bin"
GO_PEER = ROOT / ".cache" / "bench" / "go_otel"

SERVER_CORE, LOAD_CORE = "0", "1"
ONE_PORT = "/ports/AEAJM"
ITS_TAG = '"f25dd1594c3e4d26bc2b9caa"'  # the README's tour shows it
SINK_PORT = 4399  # the peers' README
DEADLINE_SECONDS = 60

OTLP = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{SINK_PORT}",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
}
# All that the environment can switch off: no spans, no OTLP metrics, no access line. The histogram
# on /metrics and the request id stay.
OFF = {"OTEL_SDK_DISABLED": "true", "LOG_LEVEL": "warning"}
TENTH = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}


@dataclass(frozen=True)
class Contender:
    """A server to measure.

    Attributes:
        name: As the tables call it.
        command: Its arguments; ``{port}`` is filled in.
        folder: Where it runs.
        settings: Its environment variables.
        path: What is asked of it.
        headers: What wrk sends along.
        cores: Where it runs.
    """

    name: str
    command: tuple[str, ...]
    folder: Path = FOLDER
    settings: Mapping[str, str] = field(default_factory=dict)
    path: str = ONE_PORT
    headers: tuple[str, ...] = ()
    cores: str = SERVER_CORE


def service(name: str, path: str = ONE_PORT, *headers: str, **settings: str) -> Contender:
    """Return the service under these settings."""
    return Contender(
        name,
        (str(OWN_BIN / "python"), "-m", "service.gunicorn"),
        settings=settings,
        path=path,
        headers=headers,
    )


def stock_worker(name: str, **settings: str) -> Contender:
    """Return the service with its accelerator, but for the worker and the parser."""
    configuration = str(Path(__file__).parent / "stock_worker.conf.py")
    return Contender(name, (str(OWN_BIN / "gunicorn"), "-c", configuration), settings=settings)


def gunicorn(
    name: str, app: str, *options: str, path: str = ONE_PORT, tel: str = "", workers: int = 1
) -> Contender:
    """Return a peer that stock gunicorn serves."""
    threads = (f"-w{workers}", "-k", "gthread", "--threads", "8", "-b", "127.0.0.1:{port}")
    command = (str(PEERS_BIN / "gunicorn"), *threads, *options, app)
    return _peer(name, command, path, tel)


def worker(name: str) -> Contender:
    """Return the service's worker class around an application that returns {}."""
    configuration = str(Path(__file__).parent / "bare.conf.py")
    command = (str(OWN_BIN / "gunicorn"), "-c", configuration)
    return _peer(name, command, "/", "")


def uvicorn(name: str, *, tel: str = "", path: str = ONE_PORT) -> Contender:
    """Return the FastAPI peer."""
    loop = ("--loop", "uvloop", "--http", "httptools", "--port", "{port}")
    command = (str(PEERS_BIN / "uvicorn"), *loop, "fastapi_otel:app")
    return _peer(name, command, path, tel)


def go(name: str, path: str = ONE_PORT) -> Contender:
    """Return the Go peer, which has its telemetry always on and exports to nothing."""
    return _peer(name, (str(GO_PEER),), path, "", GOMAXPROCS="1")


def _peer(name: str, command: tuple[str, ...], path: str, tel: str, **settings: str) -> Contender:
    given = {"PYTHONPATH": str(PEERS), **settings}
    if tel:
        given |= {"TEL": "1", **OTLP}
    return Contender(name, command, FOLDER / "data", given, path)


@dataclass
class Running:
    """A server that answers."""

    url: str
    contender: Contender
    process: psutil.Process
    start_seconds: float
    log: Path

    def dropped_spans(self) -> bool:
        """Say whether the SDK complained that its queue was full."""
        return "Queue full" in self.log.read_text(errors="replace")

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer."""
        return self.process.children() or [self.process]

    def cpu(self) -> float:
        """Return the CPU seconds that all its processes have used."""
        everything = [self.process, *self.process.children(recursive=True)]
        return float(sum(sum(one.cpu_times()[:2]) for one in everything))

    def rss(self) -> float:
        """Return the resident memory of one worker, in MB."""
        return float(self.workers()[0].memory_info().rss) / 1e6

    def pss(self) -> list[float]:
        """Return the proportional memory of each of its processes, in MB."""
        everything = [self.process, *self.process.children(recursive=True)]
        found = []
        for one in everything:
            text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
            kilobytes = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
            assert kilobytes is not None
            found.append(int(kilobytes[1]) * 1024 / 1e6)
        return found


@contextmanager
def running(contender: Contender) -> Iterator[Running]:
    """Start a contender, yield it once it answers with 200 or 304, and stop it.

    Raises:
        RuntimeError: It does not answer so within the deadline.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}{contender.path}"
    started = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log") as log:
        process = subprocess.Popen(
            [
                *("taskset", "-c", contender.cores),
                *(part.replace("{port}", str(port)) for part in contender.command),
            ],
            cwd=contender.folder,
            env=environment(PORT=str(port), PORTS_DRAIN_SECONDS="0", **contender.settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while not _answers(url, contender.headers):
                if process.poll() is not None or time.monotonic() - started > DEADLINE_SECONDS:
                    said = Path(log.name).read_text()[-2000:]
                    raise RuntimeError(f"{contender.name} does not answer:\n{said}")
                time.sleep(0.02)
            seconds = time.monotonic() - started
            yield Running(url, contender, psutil.Process(process.pid), seconds, Path(log.name))
        finally:
            _stop(process)


@contextmanager
def sink() -> Iterator[None]:
    """Run the peers' OTLP receiver, on the core that does not serve."""
    process = subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, str(OWN_BIN / "python"), str(PEERS / "otlp_sink.py")],
        start_new_session=True,
    )
    try:
        time.sleep(0.5)
        if process.poll() is not None:
            raise RuntimeError(f"port {SINK_PORT} is taken: the receiver of spans cannot start")
        yield
    finally:
        _stop(process)


def _answers(url: str, headers: tuple[str, ...]) -> bool:
    lines = [part for header in headers for part in ("-H", header)]
    asked = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *lines, url],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout in {"200", "304"}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

"""The real service as a process: gunicorn, on a free port of this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from stack.addresses import Addresses

from tests.support import commands

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "services" / "ports"
# Names of all services. The golden path adds one.
SERVICES = sorted(file.parent.name for file in ROOT.glob("services/*/catalog-info.yaml"))
DEADLINE_SECONDS = 60


_addresses = Addresses()


def free_port() -> int:
    """Return a TCP port that nobody listens on, nor another process of the tests is given."""
    return _addresses.free_port()


def prefix(service: str) -> str:
    """Return what the names of a service's own settings begin with."""
    return service.upper().replace("-", "_") + "_"


def environment(service: str = "ports", **variables: str) -> dict[str, str]:
    """Return this process's environment without the service's own settings, and with these."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((prefix(service), "OTEL_", "LOG_"))
        # The last is of pytest's own process, and names the settings of one service.
        and name
        not in {"HOST", "PORT", "METRICS_PORT", "WEB_CONCURRENCY", "DJANGO_SETTINGS_MODULE"}
    }
    return {**clean, **variables}


def manage(
    *arguments: str, settings: Mapping[str, str], stdin: bytes = b"", name: str = "ports"
) -> subprocess.CompletedProcess[bytes]:
    """Run a service's `manage.py` to its end, under these settings."""
    return commands.run(
        ["manage.py", *arguments],
        cwd=ROOT / "services" / name,
        env=environment(name, **settings),
        stdin=stdin,
    )


def start_refused(*, name: str = "ports", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Start a service that must refuse these settings, and return what it printed."""
    done = commands.run(
        ["-m", "service.gunicorn"],
        cwd=ROOT / "services" / name,
        env=environment(name, **{"PORT": str(free_port()), **variables}),
    )
    assert done.returncode != 0
    assert b"Traceback" not in done.stdout + done.stderr
    return done


@dataclass
class Service:
    """A running service."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client

    def lines(self) -> list[str]:
        """Return what the service wrote so far."""
        return self.log.read_text().splitlines()


@contextmanager
def running(
    folder: Path,
    stdout: int | None = None,
    /,
    *,
    name: str = "ports",
    until: str = "/ready",
    **variables: str,
) -> Iterator[Service]:
    """Start a service, yield it once a path answers 200, and stop it.

    Args:
        folder: Where its output goes.
        stdout: Takes its standard output in place of the folder.
        name: Its folder under services/.
        until: The path.
        variables: Its settings.
    """
    port = free_port()
    variables = {"PORT": str(port), f"{prefix(name)}DRAIN_SECONDS": "0", **variables}
    log = folder / f"service-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.gunicorn"],
            cwd=ROOT / "services" / name,
            env=environment(name, **variables),
            stdout=output if stdout is None else stdout,
            stderr=output,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=DEADLINE_SECONDS) as client:
            service = Service(url, process, log, client)
            wait_until_ready(service, until)
            yield service
    finally:
        stop(process)


def wait_until_ready(service: Service, path: str = "/ready") -> None:
    """Return once the path answers 200.

    Raises:
        RuntimeError: It ended, or is not ready within the deadline.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline and service.process.poll() is None:
        try:
            if service.client.get(path).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("not ready:\n" + "\n".join(service.lines()[-30:]))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

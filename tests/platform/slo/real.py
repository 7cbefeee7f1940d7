"""The real programs that these tests run, and the ways they are run."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from stack import values

from tests.service import free_port

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / "tools/bin"
PORTS = ROOT / "platform/generated/ports"
READY_WITHIN_SECONDS = 60


def tool(name: str) -> str:
    """Find a pinned tool; a test without it fails, it is not skipped."""
    path = TOOLS / name
    assert path.exists(), f"{path} is missing: run `make tools`"
    return str(path)


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a program that must succeed, and return what it printed."""
    # Garbage is collected less often than by default: 10 to 25 % less processor time was seen.
    env = {**os.environ, "GOGC": "400"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{command} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout


@contextmanager
def serving(*command: str, url: str, ready: str, log: Path) -> Iterator[None]:
    """Run a server until the block ends; it is ready when it answers 200 at a path."""
    with log.open("a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + READY_WITHIN_SECONDS
            while not _answers(url + ready):
                assert process.poll() is None, f"{command[0]} ended:\n{log.read_text()[-2000:]}"
                assert time.monotonic() < deadline, f"{command[0]} is not ready: {log}"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


class Prometheus:
    """A real Prometheus server over a data folder, asked by its HTTP API."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self._client = client

    def query(self, expr: str, at: float) -> list[tuple[dict[str, str], float]]:
        """Evaluate at a moment; each sample as its labels and its value."""
        answer = self._get("query", query=expr, time=str(at))
        if answer["resultType"] == "scalar":
            return [({}, float(answer["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in answer["result"]]

    def moments(self, selector: str, at: float) -> list[float]:
        """Tell when the samples of the one series of a range selector were taken."""
        (series,) = self._get("query", query=selector, time=str(at))["result"]
        return [moment for moment, _ in series["values"]]

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Any]:
        """Evaluate over a time."""
        found = self._get("query_range", query=expr, start=start, end=end, step=step)["result"]
        assert isinstance(found, list)
        return found

    def seconds(self, expr: str, at: float, times: int = 5) -> float:
        """Tell how long an evaluation takes, as the median of some."""
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            self.query(expr, at)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    def _get(self, endpoint: str, **parameters: Any) -> Mapping[str, Any]:
        response = self._client.post(f"/api/v1/{endpoint}", data=parameters)
        answer: dict[str, Any] = json.loads(response.content)
        assert answer["status"] == "success", f"{parameters}: {answer}"
        data: dict[str, Any] = answer["data"]
        return data


def features() -> list[str]:
    """Features that the platform's Prometheus has on."""
    enabled = values.prometheus()["prometheus"]["prometheusSpec"]["enableFeatures"]
    return [str(feature) for feature in enabled]


@contextmanager
def prometheus(folder: Path, config: str = "{}", *flags: str) -> Iterator[Prometheus]:
    """Serve the data of a folder."""
    (folder / "prometheus.yaml").write_text(config)
    url = f"http://127.0.0.1:{free_port()}"
    command = (
        tool("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        "--query.max-samples=500000000",
        f"--web.listen-address={url.removeprefix('http://')}",
        *flags,
    )
    with (
        serving(*command, url=url, ready="/-/ready", log=folder / "prometheus.log"),
        httpx.Client(base_url=url, timeout=120) as client,
    ):
        yield Prometheus(url, client)

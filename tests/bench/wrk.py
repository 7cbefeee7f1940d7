"""Load from wrk, pinned to the core that does not serve."""

import re
import subprocess
import time
from dataclasses import dataclass

from tests.bench.contenders import LOAD_CORE, Running

CONNECTIONS = 16
_WRK = ("taskset", "-c", LOAD_CORE, "wrk", "-t1", "--latency")
_CLIENTS, _CONNECT_SECONDS = 4, 0.3
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Round:
    """The result of one round of load: rates per second, latencies and CPU in milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu_per_request: float
    requests: int


def load(server: Running, seconds: int) -> Round:
    """Ask a server for so many seconds.

    Raises:
        RuntimeError: Some answer was an error.
    """
    before = server.cpu()
    headers = [part for header in server.contender.headers for part in ("-H", header)]
    said = subprocess.run(
        [*_WRK, f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, server.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    spent = server.cpu() - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{server.contender.name} failed under load:\n{said}")
    requests = int(_found(r"(\d+) requests in", said)[1])
    return Round(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)[1]),
        _milliseconds("50%", said),
        _milliseconds("99%", said),
        spent / requests * 1000,
        requests,
    )


def load_evenly(server: Running, seconds: int) -> float:
    """Return the CPU milliseconds of a request, each worker having the same share of connections.

    The worker that wakes first takes a new connection and keeps it. So the others are stopped
    while the clients of one connect; the time in which they stand still is no CPU time.

    Raises:
        RuntimeError: Some answer was an error.
    """
    before, clients, workers = server.cpu(), [], server.workers()
    for number in range(_CLIENTS):
        others = [one for one in workers if one != workers[number % len(workers)]]
        command = [*_WRK, f"-c{CONNECTIONS // _CLIENTS}", f"-d{seconds}s", server.url]
        for other in others:
            other.suspend()
        try:
            clients.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            time.sleep(_CONNECT_SECONDS)
        finally:
            for other in others:
                other.resume()
    said = [client.communicate()[0] for client in clients]
    if any("Non-2xx" in one or "Socket errors" in one for one in said):
        raise RuntimeError("\n".join((f"{server.contender.name} failed under load:", *said)))
    requests = sum(int(_found(r"(\d+) requests in", one)[1]) for one in said)
    return (server.cpu() - before) / requests * 1000


def _milliseconds(name: str, said: str) -> float:
    found = _found(rf"{name}\s+([\d.]+)(us|ms|s|m)\b", said)
    return float(found[1]) * _SECONDS[found[2]] * 1000


def _found(pattern: str, said: str) -> re.Match[str]:
    found = re.search(pattern, said)
    if found is None:
        raise RuntimeError(f"wrk said nothing like {pattern}:\n{said}")
    return found

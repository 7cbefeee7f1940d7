"""Effects of settings at the start of a server."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from telemetry import names

from tests.service import free_port
from tests.support.harness import Receiver, Server, wait_for

affinity = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="only Linux keeps a worker to a core"
)


def _cores(server: Server) -> list[set[int]]:
    """Return the cores that each of two workers may use, all of its threads alike."""

    def booted() -> list[psutil.Process] | None:
        workers = psutil.Process(server.process.pid).children()
        return workers if [one.num_threads() > 1 for one in workers] == [True, True] else None

    found = []
    for worker in wait_for("two workers have exporters' threads", booted):
        first, *others = [os.sched_getaffinity(thread.id) for thread in worker.threads()]
        assert others == [first] * len(others)
        found.append(first)
    return found


@affinity
def test_workers_keep_to_a_core_each_if_they_are_told_to(
    serve: Callable[..., Server], receiver: Receiver
) -> None:
    server = serve(WEB_CONCURRENCY="2", CPU_AFFINITY="yes", **receiver.environment())
    ours = sorted(os.sched_getaffinity(0))
    first, second = _cores(server)
    assert first == {ours[0]}
    assert second == {ours[1 % len(ours)]}


@affinity
def test_workers_use_all_cores_otherwise(serve: Callable[..., Server], receiver: Receiver) -> None:
    ours = os.sched_getaffinity(0)
    assert _cores(serve(WEB_CONCURRENCY="2", **receiver.environment())) == [ours, ours]


@pytest.mark.parametrize("variable", ["LOG_LEVEL", "LOG_FORMAT"])
def test_a_wrong_log_setting_is_one_line_and_no_traceback(tmp_path: Path, variable: str) -> None:
    environment: dict[str, Any] = {variable: "loud"}
    server = Server(tmp_path, **environment)
    with pytest.raises(RuntimeError, match="gunicorn ended"):
        server.start()
    assert server.process.returncode == 1
    (line,) = [json.loads(text) for text in server.log.read_text().splitlines()]
    assert (line["level"], line["event"]) == ("critical", names.START_REFUSED_EVENT)
    assert line["reason"].startswith(f"{variable}=loud: must be one of ")


WITHOUT_LINUX = """
import os, socket
for name in ("sched_getaffinity", "sched_setaffinity"):
    vars(os).pop(name, None)
vars(socket).pop("TCP_INFO", None)
there = os.access
os.access = lambda path, mode: path != "/dev/shm" and there(path, mode)
"""


def test_a_system_without_the_calls_of_linux_serves_the_same(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LINUX)
    server = serve(
        PYTHONPATH=str(tmp_path),
        WEB_CONCURRENCY="2",
        CPU_AFFINITY="yes",
        METRICS_PORT=str(free_port()),
    )
    assert server.get("/ports/AEAJM").status == 200
    assert server.counted(http_route="/ports/{id}") == 1
    wait_for("both workers run", lambda: len(server.workers()) == 2)
    assert server.stop() == 0
    assert not [line for line in server.lines() if line["level"] in {"error", "critical"}]

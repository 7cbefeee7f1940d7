"""The service's chart on a real node: Pod Security, probes, helm test, and updates under load."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stack.errors import StackError

from tests.e2e.backends import eventually
from tests.node.images import NEXT
from tests.node.release import Release
from tests.support.harness import Load, request

PORT = 8080


@contextmanager
def under_load(address: str) -> Iterator[Load]:
    """Send requests in the background; fail if a request fails."""
    load = Load(PORT, clients=6, pause_seconds=0.02, host=address).start()
    try:
        eventually(lambda: load.completed[200] > 50)
        yield load
    finally:
        load.stop.set()
        load.join()
    failed = load.refused + load.reset_before + load.broken
    print(f"{dict(load.completed)} completed, {failed} failed")
    assert load.completed.keys() == {200}
    assert failed == 0


def test_the_service_runs_under_restricted_pod_security(ports: Release) -> None:
    ports.upgrade()
    (pod,) = ports.pods()
    (container,) = pod["status"]["containerStatuses"]
    assert (container["ready"], container["restartCount"]) == (True, 0)
    name = pod["metadata"]["name"]
    status = ports.kubectl("exec", name, "--", "cat", "/proc/1/status")
    found = dict(re.findall(r"^(\w+):\s+(\S+)", status, re.MULTILINE))
    assert (found["CapBnd"], found["NoNewPrivs"], found["Seccomp"]) == ("0" * 16, "1", "2")
    assert found["Uid"] != "0"
    with pytest.raises(StackError, match="Read-only file system"):
        ports.kubectl("exec", name, "--", "sh", "-c", "echo x > /app/x")
    with pytest.raises(StackError, match="violates PodSecurity"):
        ports.kubectl("run", "root", "--image=x", "--privileged")


def test_helm_test_passes_and_prints_its_log(ports: Release) -> None:
    ports.upgrade()
    code, said = ports.helm("test ports --logs")
    assert code == 0, said
    assert "200 http://ports:8080/ready" in said
    assert "200 http://ports:9090/metrics" in said


def test_a_rolling_update_fails_no_request(ports: Release) -> None:
    ports.upgrade(replicas="2")
    before = {pod["metadata"]["name"] for pod in ports.pods()}
    with under_load(ports.address()):
        ports.upgrade(replicas="2", image__tag=NEXT)
        gone = (f"pod/{name}" for name in before)
        ports.kubectl("wait", "--for=delete", *gone, "--timeout=60s")
    images = {pod["spec"]["containers"][0]["image"] for pod in ports.pods()}
    assert {image.rsplit(":", 1)[1] for image in images} == {NEXT}


def test_a_deleted_pod_fails_no_request(ports: Release) -> None:
    ports.upgrade(replicas="2")
    with under_load(ports.address()):
        for pod in ports.pods():
            ports.kubectl("delete", "pod", pod["metadata"]["name"])
            ports.kubectl("rollout", "status", "deployment/ports", "--timeout=60s")


def test_drain_evicts_no_pod_beyond_the_disruption_budget(ports: Release) -> None:
    """No other node takes the pods, so the disruption budget keeps the last one."""
    ports.upgrade(replicas="2", podDisruptionBudget__enabled="true")
    before = _names(ports)
    with under_load(ports.address()):
        ports.kubectl("cordon", "node-0")
        try:
            drain = ("drain", "node-0", "--ignore-daemonsets", "--delete-emptydir-data")
            with pytest.raises(StackError, match="disruption budget"):
                ports.kubectl(*drain, f"--pod-selector={SERVER}", "--timeout=15s")
            assert len(before & _names(ports)) == 1
        finally:
            ports.kubectl("uncordon", "node-0")
        ports.kubectl("rollout", "status", "deployment/ports", "--timeout=60s")
    assert len(ports.pods()) == 2


def test_process_beyond_the_memory_limit_is_killed_and_the_service_answers(ports: Release) -> None:
    ports.upgrade()
    (pod,) = ports.pods()
    take = "x = bytearray(400 * 2**20); import time; time.sleep(9)"
    with pytest.raises(StackError, match="exit code 137"):
        ports.kubectl("exec", pod["metadata"]["name"], "--", "python", "-c", take)
    eventually(lambda: _answers(ports, "/ready"))


def test_hung_worker_is_replaced_without_a_restart_of_the_container(ports: Release) -> None:
    """The arbiter replaces the worker before the liveness probe restarts the container."""
    ports.upgrade()
    (pod,) = ports.pods()
    name = pod["metadata"]["name"]
    stopped = ports.kubectl("exec", name, "--", "python", "-c", STOP).split()
    assert stopped
    eventually(lambda: _answers(ports, "/live"))
    now = ports.kubectl("exec", name, "--", "ls", "/proc").split()
    assert not set(stopped) & set(now)
    (pod,) = ports.pods()
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


SERVER = "app.kubernetes.io/component=server"
# Stop every process except PID 1 (gunicorn's arbiter) and this one; print which.
STOP = """
import os, signal
for each in filter(str.isdigit, os.listdir("/proc")):
    if int(each) not in (1, os.getpid()):
        os.kill(int(each), signal.SIGSTOP)
        print(each)
"""


def _names(ports: Release) -> set[str]:
    return {pod["metadata"]["name"] for pod in ports.pods()}


def _answers(ports: Release, path: str) -> bool:
    try:
        return request(PORT, path, host=ports.address()).status == 200
    except OSError:
        return False

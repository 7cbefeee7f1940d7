"""The commands of the pages that need a kubelet: logs, port forwarding, a debug container."""

import json
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Final

import httpx

from tests.documentation import documented
from tests.e2e.backends import eventually
from tests.node.backends import Places
from tests.node.node import Node
from tests.node.release import Release
from tests.terminal import run, running

PAGE: Final = "docs/how-to/debug-in-kubernetes.md"
PIPELINE: Final = "docs/runbooks/pipeline.md"
FORWARDED: Final = "http://localhost:8080/ready"
END = "import os; os.kill(1, 15)"


def command(ports: Release, words: str) -> str:
    """Return a command of the page, for the release's namespace."""
    namespace = words.split()[2]
    return documented(PAGE, words).replace(namespace, ports.namespace)


def test_the_service_can_be_debugged_as_the_page_says(
    ports: Release, typed: Mapping[str, str], tmp_path: Path
) -> None:
    ports.upgrade()
    for words in (
        "kubectl --namespace ports-prod logs --selector",
        "kubectl --namespace ports-dev logs deployment/ports --since 10m",
        "kubectl --namespace ports-dev logs --selector",
    ):
        assert '"event"' in run(command(ports, words), env=typed)
    answer = run(command(ports, "kubectl --namespace ports-dev get --raw"), env=typed)
    assert json.loads(answer)["status"] == "ready"
    variables = " ".join(f"{name}={quote(value)}" for name, value in typed.items())
    forward = command(ports, "kubectl --namespace ports-dev port-forward")
    with running(f"env {variables} {forward}", tmp_path / "forward.log"):
        assert eventually(lambda: httpx.get(FORWARDED).json()["status"] == "ready")


def test_the_log_before_a_restart_can_be_read(ports: Release, typed: Mapping[str, str]) -> None:
    ports.upgrade()
    (pod,) = ports.pods()
    ports.kubectl("exec", pod["metadata"]["name"], "--", "python", "-c", END)
    previous = command(ports, "kubectl --namespace ports-dev logs deployment/ports --previous")
    assert eventually(lambda: '"event"' in run(previous, env=typed), 100)


def test_a_debug_container_runs_under_restricted_pod_security(
    ports: Release, typed: Mapping[str, str]
) -> None:
    ports.upgrade()
    names = command(
        ports,
        "kubectl --namespace ports-dev get pods --selector app.kubernetes.io/component=server",
    )
    (name,) = run(names, env=typed).split()
    (pod,) = ports.pods()
    image = pod["spec"]["containers"][0]["image"]  # the node has no other image with tools
    debug = command(ports, "kubectl --namespace ports-dev debug").replace("pod/NAME", name)
    debug = debug.replace("busybox", image).replace(" --stdin --tty", "")
    run(f"{debug} -- python -c 'print(open(\"/proc/1/cmdline\").read())'", env=typed)

    def ended() -> bool:
        (status,) = ports.pods()[0]["status"]["ephemeralContainerStatuses"]
        return bool(status["state"]["terminated"]["exitCode"] == 0)

    assert eventually(ended)


def test_the_logs_of_the_collectors_can_be_read(
    node: Node, observability: Places, typed: Mapping[str, str]
) -> None:
    for words in (
        "kubectl --namespace observability logs statefulset/otel-gateway",
        "kubectl --namespace observability logs daemonset/otel-agent-agent",
    ):
        assert run(documented(PIPELINE, words), env=typed).strip()

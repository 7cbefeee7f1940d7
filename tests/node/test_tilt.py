"""The Tiltfile in the real Tilt, on a real node: loading, `tilt ci`, live update, `tilt down`."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from stack import kubernetes

from tests.cluster.programs import run as program
from tests.e2e.backends import eventually
from tests.node import parts, upstream
from tests.node.node import Node
from tests.node.run import SOCKET
from tests.platform.charts import vendor
from tests.service import ROOT
from tests.terminal import attempt, run

# Tilt treats a cluster of this name as local and loads images with `kind load`.
CLUSTER = "kind-local"
NAMESPACE = "ports-local"
API = 10350  # where Tilt listens
URL = "http://localhost:8080"
SOURCE = Path("services/ports/seaports/adapters/http/reading.py")
OLD, NEW = "Get one port", "Get what was changed"
# Stands in for kind: copies an image from podman to the node's containerd.
KIND = """#!/bin/sh -eu
[ "$1 $2" = "load docker-image" ]
podman --remote --url "$DOCKER_HOST" save "$3" | ctr --address {socket} -n k8s.io images import -
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of HEAD to edit, with the upstream charts if CHART_STORE has them."""
    clone = tmp_path_factory.mktemp("tilt") / "ports platform"
    program("git", "clone", "--quiet", str(ROOT), str(clone))
    if store := os.environ.get(vendor.STORE):
        for chart in vendor.UMBRELLAS:
            vendor.vendor(clone / "platform" / chart, Path(store))
    return clone


@pytest.fixture(scope="module")
def terminal(
    node: Node, typed: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Environment of a developer's terminal."""
    home = tmp_path_factory.mktemp("home")
    shims = home / "bin"
    shims.mkdir()
    (shims / "kind").write_text(KIND.format(socket=parts.socket(node.site)))
    (shims / "kind").chmod(0o755)
    config = json.loads(kubernetes.kubeconfig(node.site).read_text())
    config["clusters"][0]["name"] = config["contexts"][0]["name"] = CLUSTER
    config["contexts"][0]["context"]["cluster"] = config["current-context"] = CLUSTER
    (home / "kubeconfig").write_text(json.dumps(config))
    return {
        "HOME": str(home),
        "KUBECONFIG": str(home / "kubeconfig"),
        "PATH": f"{shims}:{typed['PATH']}",
        "DOCKER_HOST": f"unix://{os.environ[SOCKET]}",
        "DOCKER_BUILDKIT": "0",  # podman has no BuildKit
        "DO_NOT_TRACK": "1",
    }


def _choices() -> list[str]:
    """Parts that can load: all of them with the upstream charts."""
    return ["service", "observability", "full"] if vendor.STORE in os.environ else ["service"]


@pytest.mark.parametrize("chosen", _choices())
def test_the_tiltfile_loads(chosen: str, checkout: Path, terminal: Mapping[str, str]) -> None:
    command = f"tilt alpha tiltfile-result -- --parts={chosen}"
    code, said = attempt(command, folder=checkout, env=terminal)
    assert code == 0, said[-6000:]
    result = json.loads(said[said.index("{\n") :])
    assert result["Error"] is None
    assert "is not a known resource" not in said
    names = {each["Name"] for each in result["Manifests"]}
    print(f"{chosen}: {len(names)} resources")
    assert "ports" in names
    assert ("prometheus-kinds" in names) == (chosen != "service")


def test_tilt_ci_is_green(checkout: Path, terminal: Mapping[str, str], node: Node) -> None:
    begin = time.monotonic()
    run("tilt ci --port 0", folder=checkout, env=terminal, seconds=300)
    print(f"tilt ci: green after {time.monotonic() - begin:.0f} s")
    run("tilt down", folder=checkout, env=terminal)
    # `tilt down` keeps namespaces by default.
    where = f"--namespace={NAMESPACE}"
    node.kubectl("wait", "--for=delete", "pods", "--all", where, "--timeout=60s")
    assert node.get("deployments", where) == []


@pytest.mark.skipif(vendor.STORE not in os.environ, reason="needs the upstream charts: CHART_STORE")
@pytest.mark.parametrize("chosen", _choices()[1:])
def test_parts_with_the_platform_are_green(
    chosen: str, checkout: Path, terminal: Mapping[str, str], node: Node
) -> None:
    """The first parts meet a cluster without the operator's kinds. Images: `absent.py`."""
    upstream.give_certificate(node)
    begin = time.monotonic()
    command = f"tilt ci --port 0 -- --parts={chosen}"
    try:
        said = run(command, folder=checkout, env=terminal, seconds=900)
        print(f"tilt ci, {chosen}: green after {time.monotonic() - begin:.0f} s")
        assert "is not a known resource" not in said
    except AssertionError:
        print(node.kubectl("get", "pods,pvc,pv,statefulsets,prometheuses,alertmanagers", "-A"))
        print(node.kubectl("get", "events", "--namespace=observability"))
        raise
    finally:
        run("tilt down", folder=checkout, env=terminal, seconds=300)


@pytest.fixture
def up(checkout: Path, terminal: Mapping[str, str], tmp_path: Path) -> Iterator[Path]:
    """Run `tilt up` until the test ends; yield its log."""
    log = tmp_path / "tilt.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["tilt", "up", "--stream", "--port", str(API)],
            cwd=checkout,
            env={**os.environ, **terminal},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def serves(words: str) -> bool:
    """Whether the service answers, with these words in its description."""
    answer = httpx.get(f"{URL}/openapi.json")
    return answer.is_success and words in answer.text


def test_saved_file_is_served_and_a_syntax_error_needs_no_new_pod(
    up: Path, checkout: Path, terminal: Mapping[str, str], node: Node
) -> None:
    begin = time.monotonic()
    eventually(lambda: serves(OLD), 200)
    print(f"tilt up: serves after {time.monotonic() - begin:.0f} s")
    source = (checkout / SOURCE).read_text()
    (pod,) = node.get("pods", f"--namespace={NAMESPACE}")

    begin = time.monotonic()
    (checkout / SOURCE).write_text(source.replace(OLD, NEW))
    eventually(lambda: serves(NEW), 60)
    print(f"a saved file: served after {time.monotonic() - begin:.1f} s")

    (checkout / SOURCE).write_text("def broken(\n")
    eventually(lambda: "SyntaxError" in up.read_text(), 60)
    (checkout / SOURCE).write_text(source)
    eventually(lambda: serves(OLD), 60)
    (same,) = node.get("pods", f"--namespace={NAMESPACE}")
    assert same["metadata"]["uid"] == pod["metadata"]["uid"], "Tilt built an image"
    assert same["status"]["containerStatuses"][0]["restartCount"] == 0

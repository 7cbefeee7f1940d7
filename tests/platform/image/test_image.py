"""The image as it is built: what is in it, how it starts, serves and stops, and Tilt's variant."""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.platform.chart import render
from tests.platform.image import engine
from tests.service import free_port
from tests.support.harness import Load, request, wait_for

# A build takes a minute, and the base is made before the first.
pytestmark = pytest.mark.timeout(600)

BYTES = 200_000_000


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    if absent := engine.missing():
        pytest.fail(f"not installed: {' '.join(absent)}; apt-get install them (as .ci/run does)")
    if os.geteuid() != 0:
        pytest.fail("make image-test needs root here: it makes a Debian base and runs containers")


@pytest.fixture(scope="session")
def image(programs: None) -> str:
    return engine.build("image-test")


@pytest.fixture(scope="session")
def dev_image(image: str) -> str:
    return engine.build("image-test-dev", target="dev")


def shell(image: str, script: str) -> str:
    limits = (*engine.LIMITS, "--entrypoint", "")
    return engine.podman("run", "--rm", *limits, image, "sh", "-c", script).stdout.strip()


def test_the_image_is_small_and_says_what_it_is(image: str) -> None:
    known = engine.inspect("image", image)
    base = engine.inspect("image", engine.base_image())["Size"]
    print(
        f"image {known['Size'] / 1e6:.1f} MB, {(known['Size'] - base) / 1e6:.1f} MB over its base"
    )
    assert known["Size"] < BYTES
    labels = {
        key.removeprefix("org.opencontainers.image."): v for key, v in known["Labels"].items()
    }
    adopted = (engine.ROOT / "platform/adopt.yaml").read_text()
    assert f"repository: {labels['source']}\n" in adopted
    assert f"organisation: {labels['vendor']}\n" in adopted
    assert labels["title"] == "ports"
    assert re.fullmatch("[0-9a-f]{40}", labels["revision"])
    assert known["Config"]["User"] == "10001:10001"


def test_nothing_in_it_compiles_or_installs_and_nothing_can_be_changed(image: str) -> None:
    names = "pip pip3 gcc cc g++ make curl wget git watchfiles"
    assert shell(image, f"for name in {names}; do command -v $name || true; done") == ""
    for module in ("pip", "setuptools", "ensurepip"):
        assert "No module named" in shell(image, f"python -c 'import {module}' 2>&1 || true")
    assert shell(image, "id -u; find /app -writable | head") == "10001"
    assert shell(image, "find /app -perm /6000") == ""


def test_the_image_installs_the_locked_versions(image: str) -> None:
    script = (
        "import importlib.metadata as m; "
        "print(*(f'{d.name.lower()}=={d.version}' for d in m.distributions()))"
    )
    installed = set(shell(image, f'python -c "{script}"').replace("_", "-").split())
    lock = (engine.ROOT / "requirements/runtime.txt").read_text()
    lines = [line for line in lock.splitlines() if "win32" not in line]
    locked = {
        re.sub(r"\[.*\]", "", found[1])
        for line in lines
        if (found := re.match(r"([a-z0-9.-]+(?:\[[a-z,]+\])?==[^ ;]+)", line))
    }
    assert installed == locked | {
        "ports==0.1.0",
        "ports-platform-service==0.1.0",
        "ports-platform-telemetry==0.1.0",
        "ports-platform-telemetry-fast==0.1.0",
    }


def test_one_commit_gives_one_image(image: str, tmp_path: Path) -> None:
    """Another checkout, with other timestamps and modes, built again."""
    tracked = engine.run("git", "ls-files", "-z", cwd=engine.ROOT).stdout.split("\0")
    for name in filter(None, tracked):
        if (engine.ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(engine.ROOT / name, tmp_path / name)
            (tmp_path / name).chmod(0o700 if os.access(engine.ROOT / name, os.X_OK) else 0o600)
    git = engine.run("git", "rev-parse", "--absolute-git-dir", cwd=engine.ROOT).stdout.strip()
    (tmp_path / ".git").write_text(f"gitdir: {git}\n")
    again = engine.build("image-test-again", flags="--no-cache", folder=tmp_path)
    digests = [engine.inspect("image", name)["RootFS"]["Layers"] for name in (image, again)]
    assert digests[0] == digests[1]


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A directory with a fault that holds each request for half a second."""
    faults = tmp_path / "faults"
    faults.mkdir()
    (faults / "fault.json").write_text('{"fault": "latency", "share": 1, "seconds": 0.5}')
    return faults


@dataclass
class Running:
    """A container that runs as the chart says, and what the chart rendered for it."""

    name: str
    manifests: str
    port: int
    ready_seconds: float


@pytest.fixture
def running(image: str, slow: Path) -> Iterator[Running]:
    """The container with the environment, the user and the rights that the chart gives it."""
    port, metrics = free_port(), free_port()
    values = (
        f"ports.http={port},ports.metrics={metrics},faults.enabled=true,telemetry.enabled=false"
    )
    shutdown = "shutdown.drainSeconds=2,shutdown.gracefulSeconds=10"
    manifests = render.service("ports", "--set", values, "--set", shutdown)
    pod = render.one(manifests, "Deployment")["spec"]["template"]["spec"]
    started = time.monotonic()
    flags = (*as_kubernetes(pod), "-m", "200m", f"--volume={slow}:/etc/faults:ro")
    with engine.container(image, *flags) as name:
        wait_for("ready", lambda: is_ready(port))
        yield Running(name, manifests, port, time.monotonic() - started)


def as_kubernetes(pod: dict[str, Any]) -> list[str]:
    """Flags of podman for what a pod's specification says of its only container."""
    user, context = pod["securityContext"], pod["containers"][0]["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    env = environment(pod["containers"][0].get("env", []))
    return [
        *("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp"),
        f"--user={user['runAsUser']}:{user['runAsGroup']}",
        *(part for name, value in env.items() for part in ("--env", f"{name}={value}")),
    ]


# Values of the pod's fields, for a container outside a pod.
FIELDS = {"metadata.namespace": "default", "metadata.name": "ports-image-test"}


def environment(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables that the kubelet sets: it looks up fields and expands `$(NAME)`."""
    known: dict[str, str] = {}
    for each in entries:
        if "valueFrom" in each:
            known[each["name"]] = FIELDS[each["valueFrom"]["fieldRef"]["fieldPath"]]
        else:
            known[each["name"]] = re.sub(r"\$\((\w+)\)", lambda m: known[m[1]], each["value"])
    return known


def is_ready(port: int) -> bool:
    try:
        return request(port, "/ready").status == 200
    except OSError:
        return False


def curl(url: str) -> str:
    return engine.run("curl", "--silent", "--show-error", "--fail", "--max-time", "10", url).stdout


def test_it_serves_read_only_in_200_mb_and_drains_when_stopped(running: Running) -> None:
    name, port = running.name, running.port
    url = f"http://127.0.0.1:{port}"
    assert json.loads(curl(f"{url}/ports/AEAJM"))["name"] == "Ajman"
    assert len(json.loads(curl(f"{url}/ports?limit=1000"))["items"]) == 1000
    memory = re.search(
        r"^process_resident_memory_bytes (\S+)", curl(f"{url}/metrics"), re.MULTILINE
    )
    assert memory
    print(
        f"ready {running.ready_seconds:.1f} s after `podman run`, "
        f"worker at {float(memory[1]) / 1e6:.0f} MB"
    )

    load = Load(port, clients=6, pause_seconds=0.05).start()
    wait_for("requests flow", lambda: load.completed[200] > 6)
    before = load.completed[200]
    engine.podman("stop", "--time", "20", name)
    load.stop.set()
    load.join()
    state = engine.inspect("container", name)["State"]
    print(
        f"stopped: exit code {state['ExitCode']}; {load.completed[200] - before} requests served "
        f"while it drained, {load.refused} refused after, {load.reset_before} reset before a byte, "
        f"{load.broken} broken"
    )
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    # Two seconds of draining are at least two rounds of six clients.
    assert load.completed[200] - before >= 12
    assert load.completed.keys() == {200}
    assert load.broken == 0


def test_the_charts_own_tests_pass_against_it_and_fail_without_it(
    image: str, running: Running
) -> None:
    """The commands of `helm test`, in the image, with its pods' rights."""
    pods = [each for each in render.objects(running.manifests) if each["kind"] == "Pod"]
    assert [pod["metadata"]["name"] for pod in pods] == ["ports-test-http", "ports-test-metrics"]
    for pod in pods:
        rights = as_kubernetes(pod["spec"])
        command = [
            part.replace("//ports:", "//127.0.0.1:")
            for part in pod["spec"]["containers"][0]["command"]
        ]
        run = ("run", "--rm", *engine.LIMITS, *rights, "-m", "64m", image, *command)
        assert "200 http://127.0.0.1:" in engine.podman(*run).stdout
        nobody = [re.sub(r"//127.0.0.1:\d+", f"//127.0.0.1:{free_port()}", part) for part in run]
        assert engine.podman(*nobody, check=False).returncode != 0


def test_a_wrong_setting_stops_it_with_a_line_that_names_the_setting(image: str) -> None:
    settings = ("-e", "PORTS_THREADS=none")
    failed = engine.podman("run", "--rm", *engine.LIMITS, *settings, image, check=False)
    assert failed.returncode != 0
    assert "PORTS_THREADS" in failed.stdout + failed.stderr


def live_update(container: str, changes: dict[str, bytes]) -> None:
    """Write files into a running container as Tilt does: `tar -C / -x -f -`, as its user."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in changes.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
            tar.addfile(entry, io.BytesIO(content))
    unpack = [*engine.PODMAN, "exec", "-i", container, "tar", "-C", "/", "-x", "-f", "-"]
    subprocess.run(unpack, input=archive.getvalue(), check=True)


def test_a_live_update_of_the_dev_image_is_served(dev_image: str) -> None:
    port = free_port()
    service = "services/ports/seaports/adapters/http/reading.py"
    shared = "packages/telemetry/telemetry/names.py"
    old, new = "Get one port", "Get what was changed"
    source, names = ((engine.ROOT / file).read_text() for file in (service, shared))
    assert old in source

    def serves(path: str, text: str) -> bool:
        try:
            return text.encode() in request(port, path).body
        except OSError:
            return False

    with engine.container(dev_image, "-m", "300m", "-e", f"PORT={port}") as name:
        wait_for("ready", lambda: is_ready(port))
        assert serves("/openapi.json", old)
        started = time.monotonic()
        live_update(name, {f"app/{service}": source.replace(old, new).encode()})
        wait_for("the change is served", lambda: serves("/openapi.json", new))
        print(f"live update served after {time.monotonic() - started:.1f} s")

        live_update(name, {f"app/{service}": b"this is not Python\n"})
        wait_for("the broken file stopped it", lambda: not serves("/live", "live"))
        live_update(name, {f"app/{service}": source.encode()})
        wait_for("its repair is served", lambda: serves("/openapi.json", old))

        changed = names.replace('"http_server_request_duration_seconds"', '"changed_seconds"')
        assert changed != names
        live_update(name, {f"app/{shared}": changed.encode()})
        wait_for("the shared package's change is served", lambda: serves("/metrics", "changed_"))

"""The stack from its images by real podman; the built tools stand in for upstream's images."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stack import components
from stack.components import Site
from stack.engine import LABEL, Engine
from stack.images import image
from stack.stack import Stack
from stack.ways import BIN, images_first

from tests.e2e.backends import Backends, eventually
from tests.platform.stack import stand_ins
from tests.platform.stack.stand_ins import podman

pytestmark = pytest.mark.timeout(300)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Podman with a store of its own."""
    if shutil.which("podman") is None:
        pytest.fail("podman is not installed: make packages")
    folder = tmp_path_factory.mktemp("podman")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stand_ins.configuration(folder).items():
            patch.setenv(name, value)
        patch.setattr("stack.engine.ENGINES", ("podman",))
        found = Engine.find()
        assert found is not None
        yield found
        podman("rmi", "--all", "--force")


@pytest.fixture(scope="session")
def alertmanager_image(engine: Engine) -> str:
    stand_ins.import_image("alertmanager")
    return image("alertmanager")


@pytest.fixture(scope="module")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    for component in stand_ins.ENTRY_POINTS:
        stand_ins.import_image(component)
    site = Site(tmp_path_factory.mktemp("site"), ways=images_first(engine))
    with Stack(site) as running:
        yield running


def containers(data: Path) -> list[str]:
    return podman("ps", "--all", f"--filter=label={LABEL}={data}", "--format={{.Image}}").split()


def test_every_backend_runs_from_its_image_and_every_signal_arrives(stack: Stack) -> None:
    assert sorted(containers(stack.site.data)) == sorted(map(image, stand_ins.ENTRY_POINTS))
    port = f"{stack.site.addresses.url('ports')}/ports/AEAJM"
    httpx.get(port, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    asked = Backends(stack.site.addresses)
    assert eventually(lambda: asked.spans(TRACE))
    assert eventually(lambda: asked.logs(f'{{service_name="ports"}} | trace_id="{TRACE}"'))
    assert eventually(lambda: asked.series("ports_stored"))
    asked.http.close()


def test_a_stopped_stack_leaves_files_of_this_user_and_no_container(
    stack: Stack,
) -> None:
    data = stack.site.data
    stack.stop()
    assert containers(data) == []
    written = [file for file in data.rglob("*") if file.is_file()]
    assert {file.parent.name for file in written} >= {"config", "log"}
    assert {file.stat().st_uid for file in written} == {os.getuid()}
    shutil.rmtree(data)


def test_an_image_that_the_engine_cannot_start_leaves_the_turn_to_the_path(
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stand_ins.import_files("localhost/broken", "/missing", {})
    monkeypatch.setattr("stack.ways.image", lambda _: "localhost/broken")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{BIN}")
    process = components.alertmanager(Site(tmp_path, ways=images_first(engine)))
    process.start()
    try:
        process.wait_ready(60)
        assert process.way == "PATH"
    finally:
        process.stop()
    assert containers(tmp_path) == []
    printed = capfd.readouterr().out
    assert re.fullmatch(
        r"alertmanager ended with exit code 127: .*; trying the next way\n", printed
    )


def test_the_container_of_a_killed_stack_is_removed_at_the_next_start(
    alertmanager_image: str, tmp_path: Path, engine: Engine
) -> None:
    script = f"""
import os, signal, pathlib
from stack import components, engine, ways
engine.ENGINES = ("podman",)
first = ways.images_first(engine.Engine.find())
process = components.alertmanager(components.Site(pathlib.Path({str(tmp_path)!r}), ways=first))
process.start()
process.wait_ready(60)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert containers(tmp_path) == [alertmanager_image]
    [name] = engine.remove_leftovers(tmp_path)
    assert name.startswith("ports-platform-alertmanager-")
    assert containers(tmp_path) == []

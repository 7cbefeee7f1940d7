"""Where a backend's program comes from, and what happens where a way fails.

A script stands in for the container engine and for the programs (conftest.py).
tests/platform/stack/test_official_images.py tests with real podman.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stack import components, values
from stack.__main__ import address, emptied, say_without_pages, way_of
from stack.addresses import Addresses
from stack.backend import Backend
from stack.components import Site
from stack.engine import Engine, is_leftover
from stack.errors import StackError
from stack.images import image
from stack.process import Process
from stack.stack import Stack, wait_while_running
from stack.values import GENERATED
from stack.ways import building, images_first, on_path

from tests.terminal import python_program
from tests.unit.stack.conftest import FakePath

JAEGER = image("jaeger")


def jaeger(folder: Path) -> Backend:
    return components.jaeger(Site(folder / "site", ways=images_first(Engine.find())))


@contextmanager
def ready(process: Process) -> Iterator[None]:
    process.start()
    try:
        process.wait_ready(30)
        yield
    finally:
        process.stop()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace tools/build.py by a script."""
    folder = tmp_path / "checkout" / "tools"
    (folder / "bin").mkdir(parents=True)
    monkeypatch.setattr("stack.ways.ROOT", folder.parent)
    monkeypatch.setattr("stack.ways.BIN", folder / "bin")

    def build(script: str) -> None:
        (folder / "build.py").write_text(script)

    return build


def test_an_image_runs_with_the_same_arguments_files_and_variables(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker")
    process = jaeger(tmp_path)
    with ready(process):
        assert way_of(process) == "image"
    assert (fake_path.folder / "stopped").exists()
    data = tmp_path / "site"
    name = f"ports-platform-jaeger-{os.getpid()}"
    assert fake_path.calls() == [
        ["info"],
        ["image", "inspect", JAEGER],
        [
            "run",
            "--rm",
            f"--name={name}",
            f"--label=ports-platform.stack={data}",
            f"--user={os.getuid()}:{os.getgid()}",
            "--network=host",
            "--security-opt=label=disable",
            f"--volume={data}:{data}",
            f"--volume={GENERATED}:{GENERATED}:ro",
            *(f"--env={variable}" for variable in process.env),
            JAEGER,
            "--config",
            str(data / "config" / "jaeger.yaml"),
        ],
        ["rm", "--force", "--volumes", name],
    ]


def test_an_engine_in_a_virtual_machine_publishes_the_ports_and_reaches_this_machine_by_name(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker")
    fake_path.answer("info", " Kernel Version: 6.12\n Operating System: Docker Desktop\n")
    site = Site(tmp_path / "site", ways=images_first(Engine.find()))
    gateway, prometheus = components.gateway(site), components.prometheus_server(site)
    gateway.prepare()
    prometheus.prepare()
    assert "--network=host" not in [*gateway.command, *prometheus.command]
    own = ("health", "otlp-grpc", "otlp-http", "metrics")
    ports = [site.addresses.port(f"gateway-{name}") for name in own]
    published = [each for each in gateway.command if each.startswith("--publish")]
    assert published == [f"--publish=127.0.0.1:{port}:{port}" for port in ports]
    assert gateway.env["OTLP_GRPC_ENDPOINT"] == f"0.0.0.0:{ports[1]}"
    assert gateway.env["LOKI_URL"] == f"http://host.docker.internal:{site.addresses.port('loki')}"
    assert gateway.ready_url == f"http://127.0.0.1:{ports[0]}"
    [config] = [each for each in prometheus.command if each.startswith("--config.file=")]
    jobs = values.read(Path(config.removeprefix("--config.file=")))["scrape_configs"]
    targets = [target for job in jobs for target in job["static_configs"][0]["targets"]]
    assert {target.partition(":")[0] for target in targets} == {"host.docker.internal"}


def test_a_program_outside_the_virtual_machine_gets_this_machines_addresses(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker")
    fake_path.add("jaeger")
    fake_path.answer("info", " Operating System: Docker Desktop\n")
    fake_path.fail("run")
    process = jaeger(tmp_path)
    with ready(process):
        assert process.way == "PATH"
        assert process.env["HEALTH_ENDPOINT"].startswith("127.0.0.1:")
        assert process.command[-1] == str(tmp_path / "site" / "config" / "jaeger.yaml")


@pytest.mark.parametrize(
    "told", ["host:\n  security:\n    rootless: true\n", " cgroupns\n  rootless"]
)
def test_a_rootless_engine_runs_as_root_of_its_own_which_is_the_user_outside(
    fake_path: FakePath, told: str
) -> None:
    fake_path.add("podman")
    fake_path.answer("info", told)
    engine = Engine.find()
    assert engine is not None
    assert engine.user == "0:0"


def test_an_image_that_is_not_here_is_pulled_and_a_line_says_so(
    tmp_path: Path, fake_path: FakePath, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_path.add("podman")
    fake_path.fail("image")
    jaeger(tmp_path).prepare()
    assert fake_path.calls()[-1] == ["pull", JAEGER]
    assert f"jaeger: pulling {JAEGER}\n" in capfd.readouterr().out


def test_a_client_without_its_engine_leaves_the_turn_to_the_next_one(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker", "#!/bin/sh\nexit 1\n")
    podman = fake_path.add("podman")
    process = jaeger(tmp_path)
    process.prepare()
    assert process.command[0] == podman


def test_an_engine_that_does_not_answer_is_none(
    fake_path: FakePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_path.add("docker", python_program("import time; time.sleep(600)\n"))
    monkeypatch.setattr("stack.engine.ANSWER_SECONDS", 0.1)
    assert Engine.find() is None


def test_where_no_engine_answers_the_program_on_the_path_runs(
    tmp_path: Path, fake_path: FakePath
) -> None:
    program = fake_path.add("jaeger")
    process = jaeger(tmp_path)
    with ready(process):
        assert way_of(process) == "PATH"
    assert process.command == [program, *process.arguments]


def test_an_image_that_cannot_be_pulled_leaves_the_turn_to_the_path(
    tmp_path: Path, fake_path: FakePath, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_path.add("podman")
    fake_path.add("jaeger")
    fake_path.fail("image", "pull")
    process = jaeger(tmp_path)
    process.prepare()
    assert process.way == "PATH"
    assert f"jaeger: podman cannot pull {JAEGER}; trying the next way\n" in capfd.readouterr().out


def test_a_container_that_ends_at_once_leaves_the_turn_to_the_path(
    tmp_path: Path, fake_path: FakePath, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_path.add("docker")
    fake_path.add("jaeger")
    fake_path.fail("run")
    process = jaeger(tmp_path)
    with ready(process):
        assert process.way == "PATH"
    assert [
        "rm",
        "--force",
        "--volumes",
        f"ports-platform-jaeger-{os.getpid()}",
    ] in fake_path.calls()
    line = "jaeger ended with exit code 1: refused: run; trying the next way\n"
    assert capfd.readouterr().out == line


def test_a_container_that_never_serves_leaves_the_turn_to_the_path(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker")
    fake_path.add("jaeger")
    process = jaeger(tmp_path)
    process.start()
    process.ready_url = "http://127.0.0.1:9/"
    try:
        process.check(ready_within=0)
        assert process.way == "PATH"
    finally:
        process.stop()


def test_a_program_that_nothing_else_supplies_is_built(
    tmp_path: Path, fake_path: FakePath, tools: Callable[[str], None]
) -> None:
    tools("import pathlib, sys; (pathlib.Path(__file__).parent / 'bin' / sys.argv[1]).touch()")
    process = jaeger(tmp_path)
    process.prepare()
    assert process.way == "built"
    built = tmp_path / "checkout" / "tools" / "bin" / "jaeger"
    assert process.command == [str(built), *process.arguments]


def test_a_backend_that_no_way_supplies_ends_the_stack(
    tmp_path: Path, fake_path: FakePath, tools: Callable[[str], None]
) -> None:
    tools("raise SystemExit(1)")
    with pytest.raises(StackError, match=r"jaeger: every way failed .image, jaeger on the PATH"):
        jaeger(tmp_path).prepare()


def test_a_stack_of_the_tests_only_takes_what_make_tools_built(
    tmp_path: Path, fake_path: FakePath, tools: Callable[[str], None]
) -> None:
    fake_path.add("docker")
    fake_path.add("jaeger")
    with pytest.raises(StackError, match="jaeger is missing: run `make tools TOOLS=jaeger`"):
        components.jaeger(Site(tmp_path / "site")).prepare()
    assert fake_path.calls() == []


def test_a_backend_that_ends_after_it_was_ready_ends_the_stack(
    tmp_path: Path, fake_path: FakePath
) -> None:
    fake_path.add("docker")
    fake_path.add("jaeger")
    stack = Stack(Site(tmp_path / "site"))
    stack.processes["jaeger"] = process = jaeger(tmp_path)
    with ready(process):
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(StackError, match="jaeger ended with exit code -9"):
            wait_while_running(stack, 0.05)


def test_only_containers_of_a_killed_stack_are_removed(tmp_path: Path, fake_path: FakePath) -> None:
    fake_path.add("docker")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, running = f"ports-platform-loki-{ended.pid}", f"ports-platform-loki-{os.getpid()}"
    fake_path.answer("ps", f"{left}\n{running}")
    engine = Engine.find()
    assert engine is not None
    assert engine.remove_leftovers(tmp_path) == [left]
    label = f"--filter=label=ports-platform.stack={tmp_path}"
    assert fake_path.calls()[1:] == [
        ["ps", "--all", label, "--format={{.Names}}"],
        ["rm", "--force", "--volumes", left],
    ]


def test_a_process_of_another_user_owns_its_container_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("stack.engine.os.kill", refuse)
    assert is_leftover("ports-platform-loki-1") is False


def test_a_start_says_what_it_misses_and_what_it_removes(
    tmp_path: Path,
    fake_path: FakePath,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("stack.__main__.DATA", tmp_path / "data")
    assert emptied().ways == (on_path, building)
    docker = fake_path.add("docker")
    fake_path.answer("info", " Operating System: Docker Desktop\n")
    fake_path.answer("ps", "ports-platform-loki-999999999")
    assert len(emptied().ways) == 3
    assert capsys.readouterr().out == (
        "No container engine answers (docker, podman): backends run without images.\n"
        f"{docker} uses a virtual machine: containers publish ports on 127.0.0.1.\n"
        "Removed containers of a stack that was killed: ports-platform-loki-999999999\n"
    )


def test_only_what_go_built_is_said_to_have_no_web_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, Addresses(well_known=True))
    site.addresses.port("jaeger")
    prometheus, traces = components.prometheus_server(site), components.jaeger(site)
    prometheus.way, traces.way = "image", "built"
    say_without_pages(prometheus, traces, components.loki(site))
    assert capsys.readouterr().out == (
        "Built with Go, so without web pages: jaeger. The APIs are complete.\n"
    )
    assert address(site, "jaeger", "image") == "http://127.0.0.1:16686/search"
    assert address(site, "jaeger", "built") == "http://127.0.0.1:16686/api/services"
    assert address(site, "gateway", "image") == "-"

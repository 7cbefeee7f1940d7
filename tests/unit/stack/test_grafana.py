"""Grafana in the stack: where it comes from, and what it is given.

No Grafana and no container engine can be had where these tests were written. A script stands in for
the engine: it notes its arguments and answers as Grafana's health does.
"""

import json
import sys
from pathlib import Path

import pytest
from stack import values
from stack.components import Site
from stack.grafana import DASHBOARDS, IMAGE, grafana
from stack.process import Process

ENGINE = f"""#!{sys.executable}
import http.server, json, os, pathlib, signal, sys

here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] in os.environ["FAILING"].split():
    sys.exit(1)
if sys.argv[1] == "run":
    env = dict(a.removeprefix("--env=").split("=", 1) for a in sys.argv if a.startswith("--env="))
    at = (env["GF_SERVER_HTTP_ADDR"], int(env["GF_SERVER_HTTP_PORT"]))
    signal.signal(signal.SIGTERM, lambda *_: (here / "stopped").touch() or sys.exit(0))

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

    http.server.HTTPServer(at, Health).serve_forever()
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAILING", "")
    return folder


def program(folder: Path, name: str, text: str = ENGINE) -> Path:
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return file


def calls(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def prepared(tmp_path: Path) -> tuple[Site, Process | None]:
    site = Site(tmp_path / "site")
    return site, grafana(site)


def test_a_container_gets_the_pinned_image_and_the_clusters_provisioning(
    tmp_path: Path, bin_folder: Path
) -> None:
    program(bin_folder, "docker")
    site, process = prepared(tmp_path)
    assert process is not None
    process.start()
    try:
        process.wait_ready(30)
    finally:
        process.stop()
    assert (bin_folder / "stopped").exists()
    info, inspect, run = calls(bin_folder)
    assert info == ["info"]
    assert inspect == ["image", "inspect", IMAGE]
    provisioning = site.data / "grafana" / "provisioning"
    assert run == [
        "run",
        "--rm",
        f"--name=ports-platform-grafana-{site.addresses.port('grafana')}",
        "--network=host",
        "--security-opt=label=disable",
        f"--volume={provisioning}:{provisioning}:ro",
        f"--volume={DASHBOARDS}:{DASHBOARDS}:ro",
        f"--env=GF_PATHS_PROVISIONING={provisioning}",
        "--env=GF_SERVER_HTTP_ADDR=127.0.0.1",
        f"--env=GF_SERVER_HTTP_PORT={site.addresses.port('grafana')}",
        "--env=GF_AUTH_ANONYMOUS_ENABLED=true",
        "--env=GF_AUTH_ANONYMOUS_ORG_ROLE=Admin",
        f"--env=PROMETHEUS_URL={site.addresses.url('prometheus')}",
        f"--env=ALERTMANAGER_URL={site.addresses.url('alertmanager')}",
        f"--env=JAEGER_URL={site.addresses.url('jaeger')}",
        f"--env=LOKI_URL={site.addresses.url('loki')}",
        IMAGE,
    ]
    assert IMAGE.rsplit(":", 1) == ["docker.io/grafana/grafana", values.grafana_version()]
    assert values.read(provisioning / "datasources" / "local.yaml") == values.grafana_datasources()
    [provider] = values.read(provisioning / "dashboards" / "local.yaml")["providers"]
    assert len(list(Path(provider["options"]["path"]).rglob("dashboards/*.json"))) >= 4


def test_an_image_that_is_not_there_is_pulled(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING", "image")
    program(bin_folder, "podman")
    _, process = prepared(tmp_path)
    assert process is not None
    assert calls(bin_folder)[-1] == ["pull", IMAGE]


@pytest.mark.parametrize("failing", ["info", "image pull"])
def test_an_engine_that_does_not_answer_or_has_no_image_gives_no_grafana(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    monkeypatch.setenv("FAILING", failing)
    program(bin_folder, "docker")
    assert prepared(tmp_path)[1] is None
    assert calls(bin_folder)


def test_a_client_without_its_engine_leaves_the_turn_to_the_next_one(
    tmp_path: Path, bin_folder: Path
) -> None:
    program(bin_folder, "docker", "#!/bin/sh\nexit 1\n")
    podman = program(bin_folder, "podman")
    _, process = prepared(tmp_path)
    assert process is not None
    assert process.command[0] == str(podman)


def test_a_binary_on_the_path_comes_before_any_engine(tmp_path: Path, bin_folder: Path) -> None:
    program(bin_folder, "docker")
    binary = program(bin_folder, "grafana")
    site, process = prepared(tmp_path)
    assert process is not None
    assert process.command[:2] == [str(binary), "server"]
    assert process.env["GF_PATHS_DATA"] == str(site.data / "grafana" / "data")
    assert process.env["JAEGER_URL"] == site.addresses.url("jaeger")
    assert not (bin_folder / "calls").exists()


def test_nowhere_to_be_had_is_no_error(tmp_path: Path, bin_folder: Path) -> None:
    assert not list(bin_folder.iterdir())
    assert prepared(tmp_path)[1] is None

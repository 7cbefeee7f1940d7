"""Grafana in the stack: what it is given, and that the stack goes on without it."""

from pathlib import Path

import pytest
from stack import values
from stack.backend import Backend
from stack.components import Site
from stack.engine import Engine
from stack.errors import StackError
from stack.grafana import grafana
from stack.stack import Stack
from stack.values import GENERATED
from stack.ways import images_first

from tests.unit.stack.conftest import FakePath


def prepared(tmp_path: Path) -> tuple[Site, Backend]:
    site = Site(tmp_path / "site", ways=images_first(Engine.find()))
    return site, grafana(site)


def test_a_container_gets_the_clusters_provisioning(tmp_path: Path, fake_path: FakePath) -> None:
    fake_path.add("docker")
    site, process = prepared(tmp_path)
    process.start()
    try:
        process.wait_ready(30)
    finally:
        process.stop()
    provisioning = site.data / "grafana" / "provisioning"
    assert process.env == {
        "GF_PATHS_DATA": str(site.data / "grafana" / "data"),
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(site.addresses.port("grafana")),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin",
        "PROMETHEUS_URL": site.addresses.url("prometheus"),
        "ALERTMANAGER_URL": site.addresses.url("alertmanager"),
        "JAEGER_URL": site.addresses.url("jaeger"),
        "LOKI_URL": site.addresses.url("loki"),
    }
    assert values.read(provisioning / "datasources" / "local.yaml") == values.grafana_datasources()
    [provider] = values.read(provisioning / "dashboards" / "local.yaml")["providers"]
    assert provider["options"]["path"] == str(GENERATED)
    assert len(list(GENERATED.rglob("dashboards/*.json"))) >= 4


def test_a_binary_on_the_path_is_told_its_home(tmp_path: Path, fake_path: FakePath) -> None:
    binary = fake_path.add("grafana")
    _, process = prepared(tmp_path)
    process.prepare()
    assert process.command == [binary, "server", "--homepath=/usr/share/grafana"]


def test_grafana_that_is_not_to_be_had_is_not_built(tmp_path: Path, fake_path: FakePath) -> None:
    assert fake_path.calls() == []
    with pytest.raises(StackError, match="grafana: no image and no program on the PATH"):
        prepared(tmp_path)[1].prepare()


@pytest.mark.parametrize("failing", ["image pull", "run"])
def test_the_stack_goes_on_without_grafana(
    tmp_path: Path, fake_path: FakePath, capsys: pytest.CaptureFixture[str], failing: str
) -> None:
    fake_path.add("docker")
    fake_path.fail(*failing.split())
    site, process = prepared(tmp_path)

    class OnlyGrafana(Stack):
        def _start(self) -> None:
            self._run(process)

    with OnlyGrafana(site) as stack:
        assert stack.processes == {}
    assert "The stack goes on without grafana." in capsys.readouterr().out

"""The prober in the stack: what it asks for, and that the stack goes on without it."""

from pathlib import Path

import pytest
from stack import components, values
from stack.components import Site
from stack.engine import Engine
from stack.prober import prober
from stack.process import Process
from stack.stack import Stack
from stack.ways import images_first

from tests.unit.stack.conftest import FakePath


class OnlyProber(Stack):
    """A stack of what asks and who reads it, none of which starts."""

    def _run(self, *processes: Process) -> None:
        self.processes |= {process.name: process for process in processes}

    def _wait_ready(self) -> None:
        pass


def jobs(site: Site) -> list[str]:
    """Names of the scrape jobs of Prometheus."""
    config = values.read(site.data / "config" / "prometheus.yaml")
    return [each["job_name"] for each in config["scrape_configs"]]


@pytest.fixture
def site(tmp_path: Path, fake_path: FakePath, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site without any build of Cloudprober."""
    monkeypatch.setattr("stack.prober.BIN", tmp_path)
    return Site(tmp_path / "site", ways=images_first(Engine.find()))


def test_it_asks_the_service_of_the_stack(site: Site, fake_path: FakePath) -> None:
    fake_path.add("cloudprober")
    process = prober(site)
    process.prepare()
    config = values.read(site.data / "config" / "prober.yaml")
    assert process.command[1:] == [f"--config_file={site.data / 'config' / 'prober.yaml'}"]
    assert (config["host"], config["port"]) == ("127.0.0.1", site.addresses.port("prober"))
    assert {
        (each["targets"]["host_names"], each["http_probe"]["port"], each["name"])
        for each in config["probe"]
    } == {("127.0.0.1", site.addresses.port("ports"), name) for name in ("/ports", "/ports/{id}")}


def test_prometheus_reads_a_prober_that_can_be_had(site: Site, fake_path: FakePath) -> None:
    fake_path.add("cloudprober")
    stack = OnlyProber(site, with_service=False, with_prober=True)
    stack.start()
    assert list(stack.processes)[-1] == "prober"
    assert "ports-prober" in jobs(site)


def test_nobody_misses_a_prober_that_is_not_to_be_had(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target that never answers would page about missing data."""
    stack = OnlyProber(site, with_service=False, with_prober=True)
    stack.start()
    assert "prober" not in stack.processes
    assert jobs(site) == ["ports", *components.JOBS]
    assert "prober: no image and no program on the PATH" in capsys.readouterr().out

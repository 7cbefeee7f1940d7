"""A registry and a cluster with the real Kyverno, and a line for each scenario."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack.components import Site

from tests import scenarios
from tests.admission import chart
from tests.admission.chart import Object
from tests.admission.cluster import ClusterWithKyverno
from tests.admission.registry import serving

SPACES = ("ports-dev", "ports-prod")


@dataclass(frozen=True)
class Images:
    """Images by who signed them."""

    signed: str
    unsigned: str
    foreign: str


@dataclass(frozen=True)
class Rig:
    """The cluster, the images, and the objects of the umbrella chart."""

    cluster: ClusterWithKyverno
    images: Images
    objects: list[Object]


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    site = Site(tmp_path_factory.mktemp("cluster"))
    with serving(site, tmp_path_factory.mktemp("registry")) as registry:
        keys = {name: registry.make_key(name) for name in ("release", "stranger")}
        images = Images(*(registry.push(name) for name in ("signed", "unsigned", "foreign")))
        registry.sign(images.signed, "release")
        registry.sign(images.foreign, "stranger")
        objects = chart.rendered(tmp_path_factory.mktemp("chart"))
        with ClusterWithKyverno(site, objects, keys["release"]) as cluster:
            for name in SPACES:
                cluster.kubectl("create", "namespace", name)
            yield Rig(cluster, images, objects)


def pytest_configure() -> None:
    """The end of the tests ends the cluster as well."""
    scenarios.stop_on_sigterm()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first scenario waits for the cluster."""
    scenarios.allow(400, items, Path(__file__).parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what stands in for the real thing, and print one line per scenario."""
    scenarios.report(
        terminalreporter,
        "attestor of the policies: a key pair; the release workflow's identity cannot sign here",
        "nodes and pods: kwok; no container runs",
        "registry: crane's, in memory; the images hold one small file",
    )

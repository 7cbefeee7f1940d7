"""A cluster with the real Argo Rollouts and a real Prometheus, and a line for each scenario."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from stack import kubernetes, rollouts
from stack.cluster import Cluster
from stack.components import Site
from stack.stack import READY_SECONDS

from tests import scenarios
from tests.platform.slo.real import prometheus
from tests.rollouts.delivery import SCALE, Rig, scraping
from tests.rollouts.exporter import exporting


class ClusterWithRollouts(Cluster):
    """Kubernetes and Argo Rollouts, without Argo CD."""

    def _start(self) -> None:
        self._start_kubernetes(users={rollouts.USER: "platform"})
        files = [f"--filename={file}" for file in rollouts.crds()]
        self.kubectl("apply", "--server-side", *files)
        self.apply(rollouts.rights())

    def start_rollouts(self, prometheus_url: str) -> None:
        """Start the controller, which asks a Prometheus, and wait until it is ready."""
        controller = rollouts.controller(self.site, prometheus_url)
        self._run(controller)
        controller.wait_ready(READY_SECONDS)


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Everything that a scenario needs; a scenario has a namespace of its own."""
    site = Site(tmp_path_factory.mktemp("cluster"))
    folder = tmp_path_factory.mktemp("prometheus")
    with exporting() as exporter, ClusterWithRollouts(site) as cluster, ExitStack() as stack:
        # Prometheus finds pods by the API.
        config = json.dumps(scraping(kubernetes.kubeconfig(site), exporter.port))
        server = stack.enter_context(prometheus(folder, config))
        cluster.start_rollouts(server.url)
        yield Rig(cluster, exporter, server, stack.close)


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
        "nodes and pods: kwok; no container runs",
        "metrics of the pods: an exporter of the tests, scraped at an address for each real pod",
        "scrape job: one of the tests; the operator generates it from the ServiceMonitor",
        f"time: windows and intervals of the analysis are {1 / SCALE:.0f} times shorter",
    )

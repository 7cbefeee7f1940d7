"""Fixtures of the node, and the report: one line per scenario and per stand-in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import kubernetes
from stack.ways import BIN

from tests import scenarios
from tests.e2e.backends import Backends
from tests.e2e.inbox import Inbox, listening
from tests.node import collector, machine
from tests.node.node import Node, namespace
from tests.node.release import Release
from tests.node.run import ARCHIVE, SCRATCH
from tests.service import free_port


@pytest.fixture(scope="session")
def webhook() -> int:
    """Port of the webhook that receives pages."""
    return free_port()


@pytest.fixture(scope="session")
def inbox(webhook: int) -> Iterator[Inbox]:
    """The pages that arrived."""
    with listening(webhook) as kept:
        yield kept


@pytest.fixture(scope="session")
def node(webhook: int) -> Iterator[Node]:
    """A running node, in the tests' own namespaces."""
    if not machine.is_own() or ARCHIVE not in os.environ:
        pytest.fail("the tests need their own namespaces: make e2e-node")
    scratch = Path(os.environ[SCRATCH])
    machine.prepare(scratch)
    page = f"http://127.0.0.1:{webhook}/page"
    try:
        with Node(scratch / "d", Path(os.environ[ARCHIVE]), page) as running:
            running.backends()
            yield running
    finally:
        machine.release(scratch)


@pytest.fixture(scope="session")
def typed(node: Node) -> dict[str, str]:
    """Environment of a terminal: kubeconfig, kubectl and helm."""
    return {
        "KUBECONFIG": str(kubernetes.kubeconfig(node.site)),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ALLOW_CONTEXT": kubernetes.CONTEXT,
    }


@pytest.fixture(scope="session")
def collectors(node: Node, typed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Release agent and gateway from the umbrella chart."""
    folder = tmp_path_factory.mktemp("charts")
    collector.release(node, collector.chart(folder), typed)


@pytest.fixture(scope="session")
def backends(node: Node) -> Iterator[Backends]:
    asked = Backends(node.site.addresses)
    yield asked
    asked.http.close()


@pytest.fixture
def ports(node: Node, typed: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Release]:
    """A release of the service, not installed yet, in a namespace with restricted Pod Security."""
    sentence = request.node.name.removeprefix("test_").replace("_", "-")
    name = f"ports-{sentence[:40].strip('-')}"
    node.apply([namespace(name, "restricted")])
    yield Release(node, name, typed)
    node.kubectl("delete", "namespace", name, "--wait=false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise the timeout, because the first scenario starts the node."""
    for item in items:
        item.add_marker(pytest.mark.timeout(900))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the stand-ins and one line per scenario."""
    terminalreporter.section("stand-ins")
    for line in collector.stand_ins():
        terminalreporter.write_line(line)
    scenarios.report(terminalreporter)

"""One node for all scenarios; a line for each, and for each stand-in, at the end."""

import os
import tempfile
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
from tests.node.run import ARCHIVE
from tests.service import free_port


@pytest.fixture(scope="session")
def webhook() -> int:
    """The port at which the tests take pages."""
    return free_port()


@pytest.fixture(scope="session")
def inbox(webhook: int) -> Iterator[Inbox]:
    """What was paged."""
    with listening(webhook) as kept:
        yield kept


@pytest.fixture(scope="session")
def node(webhook: int) -> Iterator[Node]:
    """A running node, in namespaces of these tests' own."""
    if absent := machine.missing():
        pytest.fail(f"not installed: {' '.join(absent)}; apt-get install them (as .ci/run does)")
    if not machine.is_own() or ARCHIVE not in os.environ:
        pytest.fail("the node needs namespaces of its own: make e2e-node")
    before = machine.settings()
    # Not pytest's folder: the path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="node-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        machine.prepare(scratch)
        try:
            page = f"http://127.0.0.1:{webhook}/page"
            with Node(scratch / "d", Path(os.environ[ARCHIVE]), page) as running:
                running.backends()
                yield running
        finally:
            machine.release(scratch)
            machine.restore(before)


@pytest.fixture(scope="session")
def typed(node: Node) -> dict[str, str]:
    """What a person's terminal knows: the kubeconfig, kubectl and helm."""
    return {
        "KUBECONFIG": str(kubernetes.kubeconfig(node.site)),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ALLOW_CONTEXT": kubernetes.CONTEXT,
    }


@pytest.fixture(scope="session")
def collectors(node: Node, typed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Agent and gateway, released from the umbrella chart."""
    folder = tmp_path_factory.mktemp("charts")
    collector.release(node, collector.chart(folder), typed)


@pytest.fixture(scope="session")
def backends(node: Node) -> Iterator[Backends]:
    asked = Backends(node.site.addresses)
    yield asked
    asked.http.close()


@pytest.fixture
def ports(node: Node, typed: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Release]:
    """The service, to be released into a namespace under restricted Pod Security."""
    sentence = request.node.name.removeprefix("test_").replace("_", "-")
    name = f"ports-{sentence[:40].strip('-')}"
    node.apply([namespace(name, "restricted")])
    yield Release(node, name, typed)
    node.kubectl("delete", "namespace", name, "--wait=false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first scenario waits for the node and its images."""
    for item in items:
        item.add_marker(pytest.mark.timeout(400))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what is not the real thing, and print one line per scenario."""
    terminalreporter.section("stand-ins")
    for line in collector.stand_ins():
        terminalreporter.write_line(line)
    scenarios.report(terminalreporter)

"""Fixtures of the node, and the report: one line per scenario and per stand-in."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from stack import kubernetes
from stack.ways import BIN

from tests import scenarios
from tests.e2e.backends import Backends
from tests.e2e.inbox import Inbox, listening
from tests.node import charts, collector, machine, upstream
from tests.node.backends import Beside, InPods, Places
from tests.node.node import EVERYWHERE, Node, namespace
from tests.node.release import Release
from tests.node.run import ARCHIVE, SCRATCH
from tests.service import free_port

RECEIVERS: Final = ("page", "ticket", "watchdog")


@pytest.fixture(scope="session")
def webhook() -> int:
    """Port of the webhook that receives pages."""
    return free_port()


@pytest.fixture(scope="session")
def inbox(webhook: int) -> Iterator[Inbox]:
    """The pages that arrived."""
    with listening(webhook, EVERYWHERE) as kept:
        yield kept


@pytest.fixture(scope="session")
def node(webhook: int, inbox: Inbox) -> Iterator[Node]:
    """A running node, in the tests' own namespaces; the inbox gets its pages from the start."""
    if not machine.is_own() or ARCHIVE not in os.environ:
        pytest.fail("the tests need their own namespaces: make e2e-node")
    scratch = Path(os.environ[SCRATCH])
    machine.prepare(scratch)
    receivers = {name: f"http://{machine.ADDRESS}:{webhook}/{name}" for name in RECEIVERS}
    archive = Path(os.environ[ARCHIVE])
    try:
        # The backends' own test in a network with IPv6 alone is `make test-ipv6`.
        beside = not charts.ARE_REAL and not machine.IS_IPV6
        with Node(scratch / "d", archive, receivers, backends=beside) as running:
            running.observe()
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
def observability(
    node: Node, typed: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Places:
    """Release the Collectors, after the backends if the upstream charts are available."""
    folder = tmp_path_factory.mktemp("charts")
    if charts.ARE_REAL:
        upstream.release(node, folder, typed)
    collector.release(node, folder, typed)
    return InPods(node) if charts.ARE_REAL else Beside(node)


@pytest.fixture(scope="session")
def backends(observability: Places) -> Iterator[Backends]:
    asked = Backends(observability)
    yield asked
    asked.http.close()


@pytest.fixture
def ports(node: Node, typed: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Release]:
    """A release of the service, not installed yet, in a namespace with restricted Pod Security."""
    sentence = request.node.name.removeprefix("test_").replace("_", "-")
    name = f"ports-{sentence[:40].strip('-')}"
    node.apply([namespace(name, "restricted")])
    is_operated = charts.ARE_REAL and "observability" in request.fixturenames
    yield Release(node, name, typed, is_operated)
    node.kubectl("delete", "namespace", name, "--wait=false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise the timeout, because the first scenario starts the node."""
    for item in items:
        item.add_marker(pytest.mark.timeout(1800 if charts.ARE_REAL else 900))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the stand-ins and one line per scenario."""
    scenarios.report(terminalreporter, *charts.stand_ins())

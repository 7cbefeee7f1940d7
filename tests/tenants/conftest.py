"""Two tenants, the real operator, and two real Prometheus servers that differ in one setting."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from stack.components import Site

from tests import scenarios
from tests.platform.slo.real import Prometheus, prometheus
from tests.tenants.operated import (
    PORT,
    SPACE,
    ClusterWithOperator,
    Object,
    custom,
    dumped,
    pair,
    server,
    with_targets,
)

OWNER, THIEF = "ports-prod", "ships-prod"
PATIENCE_SECONDS = 60.0
# By the namespace: the text that its target answers. The thief claims the owner's namespace.
EXPOSED = {
    OWNER: "harbour_ships 7\n",
    THIEF: f'harbour_ships{{namespace="{OWNER}"}} 666\n',
}
MONITOR: Object = {
    "selector": {"matchLabels": {"app": "server"}},
    "endpoints": [{"port": PORT}],
}
CLAIM: Object = {"targetLabel": "namespace", "replacement": OWNER, "action": "replace"}
STEALING: Object = {
    **MONITOR,
    "endpoints": [
        {
            "port": PORT,
            "honorLabels": True,
            "relabelings": [CLAIM],
            "metricRelabelings": [CLAIM],
        }
    ],
}


def rules(*given: Object) -> Object:
    return {"groups": [{"name": "own", "rules": list(given)}]}


OBJECTS = (
    custom("ServiceMonitor", "server", OWNER, MONITOR),
    custom("ServiceMonitor", "server", THIEF, STEALING),
    custom("PrometheusRule", "own", OWNER, rules({"record": "own:ships", "expr": "harbour_ships"})),
    custom(
        "PrometheusRule",
        "own",
        THIEF,
        rules(
            {"record": "stolen:ships", "expr": f'harbour_ships{{namespace="{OWNER}"}}'},
            {"record": "every:ships", "expr": 'sum(harbour_ships{namespace=~".+"})'},
            {"alert": "Foreign", "expr": f'harbour_ships{{namespace="{OWNER}"}} == 7'},
            {"record": "own:ships", "expr": "vector(0)", "labels": {"namespace": OWNER}},
        ),
    ),
)
# The platform's own, which every namespace concerns.
PLATFORMS = rules({"record": "platform:ships", "expr": "sum(harbour_ships)"})


@dataclass(frozen=True)
class Servers:
    """Prometheus as the platform's values say, and without the enforced label.

    Attributes:
        enforcing: As the platform's values say.
        open: Without the enforced label.
        rules: Rule files of a Prometheus and of a ruler in the profile `scaled`.
    """

    enforcing: Prometheus
    open: Prometheus
    rules: Mapping[str, list[Object]]


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition returns something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.3)
    return found


@contextmanager
def answering(text: str) -> Iterator[str]:
    """Serve an exposition; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{found.server_port}"
        found.shutdown()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    site = Site(tmp_path_factory.mktemp("cluster"))
    with ClusterWithOperator(site) as cluster, ExitStack() as stack:
        for name in (SPACE, OWNER, THIEF):
            cluster.kubectl("create", "namespace", name)
        cluster.apply(
            [*OBJECTS, server("enforcing", enforcing=True), server("open", enforcing=False)]
        )
        targets = {name: stack.enter_context(answering(text)) for name, text in EXPOSED.items()}

        def started(name: str) -> Prometheus:
            def generated() -> Object | None:
                config = cluster.configuration(name)
                jobs = len(config["scrape_configs"]) if config else 0
                return config if jobs == len(targets) and len(cluster.rules(name)) else None

            config = eventually(generated, f"the operator generates nothing for {name}")
            files = eventually(
                lambda: found if len(found := cluster.rules(name)) == len(targets) else None,
                "rules are missing",
            )
            folder = tmp_path_factory.mktemp(name)
            text = dumped(with_targets(config, targets, files, folder))
            return stack.enter_context(prometheus(tmp_path_factory.mktemp("data"), text))

        servers = started("enforcing"), started("open")
        cluster.apply([*pair("scaled"), custom("PrometheusRule", "own", SPACE, PLATFORMS)])

        def shared(owner: str, count: int) -> list[Object]:
            files = eventually(
                lambda: found if len(found := cluster.rules("scaled", owner)) == count else None,
                f"the operator gives no rules to the {owner}",
            )
            return [YAML(typ="safe").load(text) for text in files]

        yield Servers(
            *servers,
            {"prometheus": shared("prometheus", 1), "thanos-ruler": shared("thanos-ruler", 2)},
        )


def pytest_configure() -> None:
    """The end of the tests ends the cluster as well."""
    scenarios.stop_on_sigterm()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first scenario waits for the cluster."""
    scenarios.allow(300, items, Path(__file__).parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what stands in for the real thing, and print one line per scenario."""
    scenarios.report(
        terminalreporter,
        "discovery of targets: one fixed target for each monitor",
        "nodes and pods: kwok; the Prometheus servers are processes",
    )

"""Two agents and three gateways as processes, with the configurations of the profile `scaled`."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families
from stack import components
from stack.addresses import Addresses
from stack.components import Site
from stack.process import Process

from tests.gateway.backend import Remembering

SCALED: Final = "scaled"
TAIL_SAMPLING: Final = "values-tail-sampling.yaml"
AGENTS: Final = 2
GATEWAYS: Final = 3
READY_SECONDS: Final = 60.0

# Values by the metric's name and its labels.
Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Collector:
    """One replica: its process, and what notes that it is alive, each restarted on its own."""

    def __init__(self, site: Site, role: str) -> None:
        made = components.gateway(site) if role == "gateway" else components.agent(site)
        made.prepare()
        self._at, self._role = site.addresses, role
        self._process: Process = made
        self._noting = components.last_alive(site) if role == "gateway" else None

    @property
    def otlp(self) -> str:
        """`host:port` that takes OTLP over gRPC."""
        return self._at.endpoint(f"{self._role}-otlp-grpc")

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        if self._noting is not None:
            self._noting.start()
        self._process.start()
        self._process.wait_ready(READY_SECONDS)

    def end(self, how: signal.Signals) -> None:
        """End its process: by SIGKILL, as the kernel does when memory is short, or by SIGTERM."""
        self._process.stop(how)

    def come_back(self) -> None:
        """Start the ended process again, as a kubelet does."""
        self._process.start()
        self._process.wait_ready(READY_SECONDS)

    def stop(self) -> None:
        """Stop everything of it."""
        self._process.stop()
        if self._noting is not None:
            self._noting.stop()

    def metrics(self) -> Metrics:
        """Its own metrics, now."""
        answer = httpx.get(self._at.url(f"{self._role}-metrics") + "/metrics", timeout=5)
        families = text_string_to_metric_families(answer.raise_for_status().text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }


class Fleet:
    """All replicas, and the backend behind them."""

    def __init__(
        self, folder: Path, overlays: tuple[str, ...], env: Mapping[str, str] | None = None
    ) -> None:
        at = Addresses()
        self.backend = Remembering(at.endpoint("backend"))
        nowhere = {
            "PROMETHEUS_URL": at.url("nobody"),
            "PROMETHEUS_1_URL": at.url("nobody"),
            "LOKI_URL": at.url("nobody"),
        }
        gateway_env = {"JAEGER_ENDPOINT": self.backend.address, **nowhere, **(env or {})}
        self.gateways = [
            Collector(
                Site(
                    folder / f"gateway-{number}",
                    collector_profile=SCALED,
                    collector_overlays=tuple(overlays),
                    collector_env=gateway_env,
                ),
                "gateway",
            )
            for number in range(GATEWAYS)
        ]
        endpoints = [gateway.otlp for gateway in self.gateways]
        self.agents = [
            Collector(
                Site(
                    folder / f"agent-{number}",
                    collector_profile=SCALED,
                    collector_overlays=tuple(overlays),
                    collector_env={
                        # Each connection to the gateways' Service ends at one of them.
                        "GATEWAY_ENDPOINT": endpoints[number],
                        "GATEWAY_ENDPOINTS": f"[{', '.join(endpoints)}]",
                    },
                ),
                "agent",
            )
            for number in range(AGENTS)
        ]

    @contextmanager
    def running(self) -> Iterator["Fleet"]:
        """Run all of it."""
        everything = [*self.gateways, *self.agents]
        try:
            self.backend.start()
            for each in everything:
                each.start()
            yield self
        finally:
            for each in reversed(everything):
                each.stop()
            self.backend.stop()


def total(metrics: Metrics, name: str, **labels: str) -> float:
    """Sum of the series of a metric that have these labels."""
    return sum(
        value
        for (found, having), value in metrics.items()
        if found == name and labels.items() <= dict(having).items()
    )

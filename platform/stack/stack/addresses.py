"""Local addresses: well-known ones for people, free ones for tests and for what nobody opens."""

import random
import socket
import weakref
from dataclasses import dataclass, field, replace
from typing import Final, Self

from stack.errors import StackError

HOST: Final = "127.0.0.1"
# Addresses for people, at the ports that they expect.
WELL_KNOWN: Final = {
    "ports": 8080,
    "prometheus": 9090,
    "alertmanager": 9093,
    "jaeger": 16686,
    "loki": 3100,
    "grafana": 3000,
    "agent-otlp-http": 4318,
}
# Below the range from which systems give ports to outgoing connections, so that none of those
# takes a port between its choice and its use. Taken in blocks, so that no other stack does either.
FREE_PORTS: Final = range(20_000, 32_000)
BLOCK: Final = 60


@dataclass
class Addresses:
    """Ports by the name of what listens there, given on first use and then kept.

    Attributes:
        well_known: Whether what a person opens is where they expect it.
        listen: Host that components listen at.
        reach: Host that components reach one another at.
        own_ports: Ports that were given for components to listen at.
    """

    well_known: bool = False
    listen: str = HOST
    reach: str = HOST
    own_ports: list[int] = field(default_factory=list)
    _ports: dict[str, int] = field(default_factory=dict)
    _block: list[int] = field(default_factory=list)

    def port(self, name: str) -> int:
        """Port of `name` on localhost.

        Raises:
            StackError: If it is a well-known one and taken.
        """
        if name not in self._ports:
            self._ports[name] = self._choose(name)
        return self._ports[name]

    def endpoint(self, name: str) -> str:
        """`host:port` where others reach `name`."""
        host = f"[{self.reach}]" if ":" in self.reach else self.reach
        return f"{host}:{self.port(name)}"

    def own_port(self, name: str) -> int:
        """Port that a component listens at as `name`."""
        self.own_ports.append(self.port(name))
        return self.port(name)

    def own(self, name: str) -> str:
        """`host:port` that a component listens at as `name`."""
        return f"{self.listen}:{self.own_port(name)}"

    def published(self) -> Self:
        """The same ports, as a container in a virtual machine sees them."""
        everywhere = "0.0.0.0"  # noqa: S104 - in the container, whose ports are published to HOST
        return replace(self, listen=everywhere, reach="host.docker.internal", own_ports=[])

    def url(self, name: str) -> str:
        """HTTP base URL of `name`."""
        return f"http://{self.endpoint(name)}"

    def _choose(self, name: str) -> int:
        if self.well_known and name in WELL_KNOWN:
            port = WELL_KNOWN[name]
            if not _is_free(port):
                raise StackError(
                    f"{name}: port {port} is taken; stop what listens there "
                    f"(lsof -nP -iTCP:{port} -sTCP:LISTEN)"
                )
            return port
        return self.free_port()

    def free_port(self) -> int:
        """A port that nobody listens at, and that nobody else who asks here is given."""
        while True:
            if not self._block:
                self._take_block()
            port = self._block.pop()
            if _is_free(port):
                return port

    def _take_block(self) -> None:
        """Take a block of ports whose first one shows, while this lives, that it is taken."""
        while not self._block:
            first = random.choice(FREE_PORTS[::BLOCK])  # noqa: S311 - no secret
            mark = socket.socket()
            try:
                mark.bind((HOST, first))
            except OSError:
                mark.close()
                continue
            weakref.finalize(self, mark.close)
            self._block = list(range(first + 1, first + BLOCK))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

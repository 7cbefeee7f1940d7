"""The environment variables by which the server of every service is set."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

__all__ = ["ServerEnvironment", "prefixed"]

# Variables of these names mean the same to every program: they have no service's prefix.
_SHARED: Final = ("HOST", "PORT", "METRICS_PORT", "WEB_CONCURRENCY")


def prefixed(prefix: str) -> Callable[[str], str]:
    """Return what names the variable of a field: the field itself, behind the service's prefix."""
    return lambda name: name if name in _SHARED or name.startswith(prefix) else prefix + name


def _proxies(addresses: str) -> str:
    for address in addresses.split(","):
        if address.strip() != "*":
            try:
                ip_network(address.strip())
            except ValueError:
                raise ValueError(
                    "expected IP addresses or networks separated by commas, or *"
                ) from None
    return addresses


class ServerEnvironment(BaseModel):
    """What the environment says of the server.

    A service extends it by its own variables, and names its prefix:
    ``class Environment(ServerEnvironment, alias_generator=prefixed("PORTS_")):``.
    """

    model_config = ConfigDict(frozen=True)

    HOST: str = Field(
        "127.0.0.1",
        description="IP address to listen on, or `localhost`; `0.0.0.0` in a container, `::` also"
        " for IPv6.",
    )
    PORT: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    METRICS_PORT: int | None = Field(
        None, ge=1, le=65535, description="Port of a listener for `/metrics` alone; none if unset."
    )
    WEB_CONCURRENCY: int = Field(
        1, ge=1, le=64, description="Worker processes. Rather add replicas: see docs."
    )
    THREADS: int = Field(8, ge=1, le=256, description="Threads per worker.")
    CPU_AFFINITY: bool = Field(
        False,
        description="Whether each worker stays on one core: where cores are the service's own.",
    )
    MAX_WAITING: int = Field(
        64,
        ge=1,
        le=10000,
        description="Requests per worker that may wait for a thread; more get 503.",
    )
    DRAIN_SECONDS: float = Field(
        5, ge=0, le=600, description="How long `/ready` says 503 before the listener closes."
    )
    GRACEFUL_SECONDS: int = Field(
        20, ge=1, le=600, description="How long requests in flight and telemetry may then take."
    )
    TRUSTED_PROXIES: Annotated[str, AfterValidator(_proxies)] = Field(
        "127.0.0.1,::1",
        description="Addresses and networks whose `X-Forwarded-*` and `X-Request-Start` are"
        " believed, separated by commas; `*`: everybody's.",
    )
    TAIL_SAMPLING: bool = Field(
        False,
        description="Whether the Collector keeps errors and slow traces only: exemplars follow it.",
    )

    @classmethod
    def variables(cls) -> dict[str, FieldInfo]:
        """Return every variable, those of the service included, with its field."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    def server(self) -> dict[str, Any]:
        """Return the arguments of `service.gunicorn.settings` that the environment decides."""
        return {
            "host": self.HOST,
            "bind_port": self.PORT,
            "metrics_port": self.METRICS_PORT,
            "workers": self.WEB_CONCURRENCY,
            "threads": self.THREADS,
            "cpu_affinity": self.CPU_AFFINITY,
            "max_waiting": self.MAX_WAITING,
            "drain_seconds": self.DRAIN_SECONDS,
            "graceful_seconds": self.GRACEFUL_SECONDS,
            "trusted_proxies": self.TRUSTED_PROXIES,
            "tail_sampling": self.TAIL_SAMPLING,
        }

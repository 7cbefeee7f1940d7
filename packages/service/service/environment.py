"""The environment variables by which the server of every service is set."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo

__all__ = ["ServerEnvironment", "prefixed"]

# Variables of these names mean the same to every program: they have no service's prefix.
_SHARED: Final = ("HOST", "PORT", "METRICS_PORT", "WEB_CONCURRENCY")
# Variables that Kubernetes makes for a Service whose name begins as ours: their names and values.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_LINK: Final = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_\w+|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)=.*"
    r"|\w+_PORT=(tcp|udp|sctp)://.*"
)


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


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("expected an address that begins with https:// or http://")
    return text


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

    MAX_BODY_BYTES: int = Field(
        65536, ge=1024, le=10_000_000, description="Largest body that is read."
    )
    REPOSITORY_URL: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="Where the source code is, for a link on the page at `/`; unset: no link."
    )

    _wrong: dict[str, str] = PrivateAttr(default_factory=dict)
    _unknown: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return what an environment says, and keep what is wrong in it.

        A wrong value is replaced by its default, so that whoever asks can be told of all of them;
        the system checks refuse to start (`service.django.checks`). An empty value counts as unset.
        """
        given = {name: environ[name] for name in cls.variables() if environ.get(name)}
        unknown = sorted(cls._not_ours(environ))
        try:
            return cls.model_validate(given, context=({}, unknown))
        except ValidationError as error:
            wrong = {str(item["loc"][0]): item["msg"] for item in error.errors()}
        right = {name: value for name, value in given.items() if name not in wrong}
        return cls.model_validate(right, context=(wrong, unknown))

    def model_post_init(self, context: Any, /) -> None:
        """Keep what is wrong in the environment."""
        self._wrong, self._unknown = context or ({}, [])

    @classmethod
    def _not_ours(cls, environ: Mapping[str, str]) -> Iterator[str]:
        """Yield the names with the service's prefix that are none of its settings.

        A misspelt name would otherwise be ignored. Kubernetes makes such names too, and tests have
        theirs.
        """
        prefix = cls.prefix()
        for name in environ.keys() - cls.variables().keys():
            is_ours = name.startswith(prefix) and not name.startswith(f"{prefix}TEST_")
            if is_ours and not _LINK.fullmatch(f"{name}={environ[name]}"):
                yield name

    @property
    def wrong(self) -> Mapping[str, str]:
        """What is wrong with each variable whose value is; no text repeats a value."""
        return self._wrong

    @property
    def unknown(self) -> list[str]:
        """Names that look like the service's settings and are none."""
        return self._unknown

    @classmethod
    def prefix(cls) -> str:
        """Return what the names of the service's own variables begin with."""
        return str(cls.model_fields["THREADS"].alias).removesuffix("THREADS")

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

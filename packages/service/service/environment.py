"""The environment variables of the server, the same for every service."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

__all__ = ["ServerEnvironment", "prefixed"]

# Variables of these names mean the same to every program: they have no service's prefix.
_SHARED: Final = ("HOST", "PORT", "METRICS_PORT", "WEB_CONCURRENCY")
# Variables that Kubernetes sets for a Service with the same prefix: their names and values.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_LINK: Final = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_\w+|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)=.*"
    r"|\w+_PORT=(tcp|udp|sctp)://.*"
)


def prefixed(prefix: str) -> Callable[[str], str]:
    """Return a function that adds the service's prefix to a field's name, unless it is shared."""
    return lambda name: name if name in _SHARED or name.startswith(prefix) else prefix + name


def _proxies(addresses: str) -> str:
    for address in addresses.split(","):
        if address.strip() != "*":
            try:
                ip_network(address.strip())
            except ValueError:
                raise ValueError(
                    "must be IP addresses or networks separated by commas, or *"
                ) from None
    return addresses


def _origins(text: str) -> str:
    for origin in text.split(","):
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", origin.strip()):
            raise ValueError("must be origins such as https://a.example, separated by commas")
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("must be an address that begins with https:// or http://")
    return text


def _must_be(field: FieldInfo, error: ErrorDetails) -> str:
    """Return the rule that a value breaks, in words."""
    context = error.get("ctx", {})
    low, high = (
        next((getattr(each, key) for each in field.metadata if hasattr(each, key)), None)
        for key in ("ge", "le")
    )
    if low is not None:
        kind = "number" if field.annotation is float else "whole number"
        return f"must be a {kind} between {low} and {high}"
    if field.annotation is bool:
        return "must be true or false"
    if "min_length" in context:
        return f"must have at least {context['min_length']} characters"
    if "max_length" in context:
        return f"must have at most {context['max_length']} characters"
    return str(context.get("error", error["msg"]))


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr.__name__ in repr(field.annotation)  # the type may be part of a union


class ServerEnvironment(BaseModel):
    """The settings of the server, read from environment variables.

    A service adds its own variables in a subclass, which names the prefix:
    ``class Environment(ServerEnvironment, alias_generator=prefixed("PORTS_")):``.
    """

    model_config = ConfigDict(frozen=True)

    HOST: str = Field(
        "127.0.0.1",
        description="IP address to listen on, or `localhost`. `0.0.0.0` means all IPv4 addresses,"
        " `::` means all IPv4 and IPv6 addresses.",
    )
    PORT: int = Field(8080, ge=1, le=65535, description="TCP port to listen on.")
    METRICS_PORT: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="TCP port of a second listener, which serves only `/metrics`. Unset: none.",
    )
    WEB_CONCURRENCY: int = Field(
        1,
        ge=1,
        le=64,
        description="Worker processes. In Kubernetes, add replicas instead: with several workers,"
        " `/metrics` has no exemplars and no `process_*` series.",
    )
    THREADS: int = Field(8, ge=1, le=256, description="Threads per worker.")
    CPU_AFFINITY: bool = Field(
        False,
        description="Bind each worker to one CPU core. Useful if the service has whole cores for"
        " itself. Linux only.",
    )
    MAX_WAITING: int = Field(
        64,
        ge=1,
        le=10000,
        description="Requests per worker that may wait for a thread. Further requests get 503.",
    )
    DRAIN_SECONDS: float = Field(
        5,
        ge=0,
        le=600,
        description="Seconds after SIGTERM in which `/ready` returns 503 and requests are still"
        " served.",
    )
    GRACEFUL_SECONDS: int = Field(
        20,
        ge=1,
        le=600,
        description="Seconds after the drain for running requests and for sending telemetry.",
    )
    TRUSTED_PROXIES: Annotated[str, AfterValidator(_proxies)] = Field(
        "127.0.0.1,::1",
        description="Proxies whose `X-Forwarded-*` and `X-Request-Start` headers are trusted: IP"
        " addresses and networks, separated by commas. `*` trusts every client.",
    )
    TAIL_SAMPLING: bool = Field(
        False,
        description="Set this if the gateway samples traces by their end (tail sampling). Exemplars"
        " then name only traces that the gateway keeps: errors and slow requests.",
    )

    MAX_BODY_BYTES: int = Field(
        65536, ge=1024, le=10_000_000, description="Largest request body, in bytes."
    )
    ALLOWED_ORIGINS: Annotated[str, AfterValidator(_origins)] | None = Field(
        None,
        description="Origins whose pages may call the API from a browser, separated by commas, such"
        " as the developer portal's; unset: none.",
    )
    REPOSITORY_URL: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="URL of the source code, for a link on the page `/`. Unset: no link."
    )

    _wrong: dict[str, str] = PrivateAttr(default_factory=dict)
    _unknown: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings of an environment; an empty value counts as unset.

        An invalid value is replaced by the default and reported in `wrong`, so that the start can
        report all of them at once. The system checks then stop it (`service.django.checks`).
        """
        given = {name: environ[name] for name in cls.variables() if environ.get(name)}
        unknown = sorted(cls._not_ours(environ))
        try:
            return cls.model_validate(given, context=({}, unknown))
        except ValidationError as error:
            wrong = {str(item["loc"][0]): item for item in error.errors()}
        right = {name: value for name, value in given.items() if name not in wrong}
        told = {name: cls._told(name, given[name], item) for name, item in wrong.items()}
        return cls.model_validate(right, context=(told, unknown))

    @classmethod
    def _told(cls, name: str, value: str, error: ErrorDetails) -> str:
        field = cls.variables()[name]
        shown = name if _is_secret(field) else f"{name}={value}"
        return f"{shown}: {_must_be(field, error)}"

    def model_post_init(self, context: Any, /) -> None:
        """Keep the errors of the environment."""
        self._wrong, self._unknown = context or ({}, [])

    @classmethod
    def _not_ours(cls, environ: Mapping[str, str]) -> Iterator[str]:
        """Yield the names that have the service's prefix and are not settings.

        Kubernetes and the tests set variables with this prefix too, which do not count.
        """
        prefix = cls.prefix()
        for name in environ.keys() - cls.variables().keys():
            is_ours = name.startswith(prefix) and not name.startswith(f"{prefix}TEST_")
            if is_ours and not _LINK.fullmatch(f"{name}={environ[name]}"):
                yield name

    @property
    def wrong(self) -> Mapping[str, str]:
        """One line for each invalid variable; it shows the value, unless the value is a secret."""
        return self._wrong

    @property
    def unknown(self) -> list[str]:
        """Names that have the service's prefix and are not settings."""
        return self._unknown

    @classmethod
    def prefix(cls) -> str:
        """Return the prefix of the service's own variables."""
        return str(cls.model_fields["THREADS"].alias).removesuffix("THREADS")

    @classmethod
    def variables(cls) -> dict[str, FieldInfo]:
        """Return the field of every variable, the service's own variables included."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    def server(self) -> dict[str, Any]:
        """Return the arguments of `service.gunicorn.settings` that the environment sets."""
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

"""Environment variables of a service's store, and Django's settings for PostgreSQL."""

from typing import Annotated, Final, Literal

from django.utils.module_loading import import_string
from pydantic import AfterValidator, Field, SecretStr

from service.environment import ServerEnvironment

__all__ = ["MEMORY_URL", "REPLICA", "DatabaseEnvironment", "database"]

MEMORY_URL: Final = "memory://"
REPLICA: Final = "replica"
"""Django's alias of the read replica."""
_POSTGRESQL_PORT: Final = 5432
_MOST_PORT: Final = 65535
_SSL_MODES: Final = ("prefer", "disable", "allow", "require", "verify-ca", "verify-full")


def _parts(url: str) -> dict[str, object]:
    # Imported here: psycopg takes a tenth of a start, and the memory store does not need it.
    from psycopg.conninfo import conninfo_to_dict

    return dict(conninfo_to_dict(url))


def _store_url(url: SecretStr) -> SecretStr:
    if url.get_secret_value() == MEMORY_URL:
        return url
    return _postgresql_url(url, f"must be {MEMORY_URL} or a postgresql:// URL")


def _postgresql_url(url: SecretStr, rule: str = "must be a postgresql:// URL") -> SecretStr:
    text = url.get_secret_value()
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError(rule)
    try:
        given = _parts(text)
    except Exception as error:
        raise ValueError("must be a valid postgresql:// URL") from error
    # libpq checks these values only when it connects.
    for port in str(given.get("port", _POSTGRESQL_PORT)).split(","):
        if not port.isdecimal() or not 1 <= int(port) <= _MOST_PORT:
            raise ValueError("the port must be between 1 and 65535")
    if not str(given.get("connect_timeout", 1)).isdecimal():
        raise ValueError("connect_timeout must be a whole number of seconds")
    if given.get("sslmode", _SSL_MODES[0]) not in _SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(_SSL_MODES)}")
    return url


class DatabaseEnvironment(ServerEnvironment):
    """The settings of the server and of the store, read from environment variables."""

    STORE_URL: Annotated[SecretStr, AfterValidator(_store_url)] = Field(
        SecretStr(MEMORY_URL),
        description="`memory://`, or a `postgresql://` URL with user, password, host and database.",
    )
    REPLICA_URL: Annotated[SecretStr, AfterValidator(_postgresql_url)] | None = Field(
        None,
        description="`postgresql://` URL of a streaming replica, from which reads come. Unset: they"
        " come from the store's own database.",
    )
    REPLICA_LAG_SECONDS: float = Field(
        5,
        ge=0.5,
        le=600,
        description="Longest time in seconds by which a read from the replica may be late. Beyond"
        " it, reads come from the store's own database.",
    )
    POOL_SIZE: int = Field(
        8,
        ge=1,
        le=256,
        description="Maximum number of PostgreSQL connections per worker, for each URL.",
    )
    PODS: int = Field(
        1,
        ge=1,
        le=10_000,
        description="Largest number of pods at a time. `manage.py migrate` fails if their pools"
        " exceed the connections that PostgreSQL allows. The chart sets it.",
    )
    STATEMENT_SECONDS: float = Field(
        5, ge=0.1, le=600, description="PostgreSQL statement timeout of a request, in seconds."
    )

    @property
    def store(self) -> Literal["memory", "postgresql"]:
        """The kind of store that STORE_URL names."""
        return "memory" if self.STORE_URL.get_secret_value() == MEMORY_URL else "postgresql"

    def databases(self, service: str) -> dict[str, dict[str, object]]:
        """Return Django's DATABASES: the database of STORE_URL and its replica, or none.

        Args:
            service: Name of the service, which PostgreSQL shows for each connection.
        """
        if self.store == "memory":
            return {}
        found = {"default": database(self.STORE_URL.get_secret_value(), service, self)}
        if self.REPLICA_URL is not None:
            found[REPLICA] = database(self.REPLICA_URL.get_secret_value(), service, self)
        return found


def database(url: str, service: str, environment: DatabaseEnvironment) -> dict[str, object]:
    """Return Django's settings for a PostgreSQL connection URL.

    Args:
        url: Parameters of the URL override the parameters of the service.
        service: Name of the service, which PostgreSQL shows for each connection.
        environment: Size of the pool, and statement timeout.
    """
    given = _parts(url)
    options: dict[str, object] = {
        "pool": {
            "connection_class": import_string(
                "service.django.postgresql.connection.LimitedConnection"
            ),
            "min_size": 0,
            "max_size": environment.POOL_SIZE,
            # A request that waits for a connection blocks a thread.
            "timeout": min(1.0, environment.STATEMENT_SECONDS),
            # Each request asks for a new connection. The pool's own retries become less and less
            # frequent, so the service would not notice that the database is back.
            "reconnect_timeout": 1.0,
        },
        "statement_seconds": environment.STATEMENT_SECONDS,
        "connect_timeout": 3,
        "application_name": service,
        # These settings detect a lost peer on an idle connection too.
        "keepalives_idle": 10,
        "keepalives_interval": 10,
        "keepalives_count": 2,
        "tcp_user_timeout": 30_000,  # ms
    }
    names = {
        "dbname": "NAME",
        "user": "USER",
        "password": "PASSWORD",
        "host": "HOST",
        "port": "PORT",
    }
    database = {django: str(given.pop(libpq, "")) for libpq, django in names.items()}
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        **database,
        # Replaces a connection that the server has closed before a request uses it.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**options, **given},
    }

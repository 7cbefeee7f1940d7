"""Where a service keeps its data: the environment variables, and Django's settings made of them."""

from typing import Annotated, Final, Literal

from django.utils.module_loading import import_string
from pydantic import AfterValidator, Field, SecretStr

from service.environment import ServerEnvironment

__all__ = ["MEMORY_URL", "DatabaseEnvironment", "database"]

MEMORY_URL: Final = "memory://"
_POSTGRESQL_PORT: Final = 5432
_MOST_PORT: Final = 65535
_SSL_MODES: Final = ("prefer", "disable", "allow", "require", "verify-ca", "verify-full")


def _parts(url: str) -> dict[str, object]:
    # Imported here: psycopg takes a tenth of a start, and the memory store does not need it.
    from psycopg.conninfo import conninfo_to_dict

    return dict(conninfo_to_dict(url))


def _store_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text == MEMORY_URL:
        return url
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError(f"expected {MEMORY_URL} or a postgresql:// URL")
    try:
        given = _parts(text)
    except Exception as error:
        raise ValueError("not a PostgreSQL connection URL") from error
    # libpq itself looks at these when it connects.
    for port in str(given.get("port", _POSTGRESQL_PORT)).split(","):
        if not port.isdecimal() or not 1 <= int(port) <= _MOST_PORT:
            raise ValueError("expected a port from 1 to 65535")
    if not str(given.get("connect_timeout", 1)).isdecimal():
        raise ValueError("expected a whole number of seconds as connect_timeout")
    if given.get("sslmode", _SSL_MODES[0]) not in _SSL_MODES:
        raise ValueError(f"expected one of {', '.join(_SSL_MODES)} as sslmode")
    return url


class DatabaseEnvironment(ServerEnvironment):
    """What the environment says of the server, and of where the service keeps its data."""

    STORE_URL: Annotated[SecretStr, AfterValidator(_store_url)] = Field(
        SecretStr(MEMORY_URL),
        description="`memory://`, or a `postgresql://` URL with user, password, host, database.",
    )
    POOL_SIZE: int = Field(8, ge=1, le=256, description="Most connections to PostgreSQL, a worker.")
    STATEMENT_SECONDS: float = Field(
        5, ge=0.1, le=600, description="Longest that PostgreSQL may work on one request's query."
    )

    @property
    def store(self) -> Literal["memory", "postgresql"]:
        """The kind of store that STORE_URL names."""
        return "memory" if self.STORE_URL.get_secret_value() == MEMORY_URL else "postgresql"

    def databases(self, service: str) -> dict[str, dict[str, object]]:
        """Return Django's DATABASES: the one that STORE_URL names, or none.

        Args:
            service: What the server is told who connects.
        """
        if self.store == "memory":
            return {}
        return {"default": database(self.STORE_URL.get_secret_value(), service, self)}


def database(url: str, service: str, environment: DatabaseEnvironment) -> dict[str, object]:
    """Return Django's settings for a PostgreSQL connection URL.

    Args:
        url: Its parameters take precedence over those that the service sets.
        service: What the server is told who connects.
        environment: The size of the pool, and the limit of a statement.
    """
    given = _parts(url)
    options: dict[str, object] = {
        "pool": {
            "connection_class": import_string(
                "service.django.postgresql.connection.LimitedConnection"
            ),
            "min_size": 0,
            "max_size": environment.POOL_SIZE,
            # Who waits for a connection holds a thread.
            "timeout": min(1.0, environment.STATEMENT_SECONDS),
            # Requests ask for connections anew. The pool's own attempts come ever more rarely, and
            # would keep the service waiting for a database that is back.
            "reconnect_timeout": 1.0,
        },
        "statement_seconds": environment.STATEMENT_SECONDS,
        "connect_timeout": 3,
        "application_name": service,
        # A peer that is gone without a word is noticed on an idle connection too.
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
        # A connection that the server has closed is replaced before it is used.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**options, **given},
    }

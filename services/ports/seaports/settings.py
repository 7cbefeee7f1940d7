"""Everything that the environment decides, and Django's settings made of it.

Only this module reads the environment (the package telemetry reads OTEL_* and LOG_* itself).
"""

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, Literal

from django.utils.module_loading import import_string
from pydantic import AfterValidator, Field, SecretStr
from service.django.conf import settings
from service.environment import ServerEnvironment, prefixed

SERVICE: Final = "ports"
VERSION: Final = version(SERVICE)
SERVICE_FOLDER: Final = Path(__file__).resolve().parent.parent
MEMORY_URL: Final = "memory://"
_POSTGRESQL_PORT: Final = 5432
_MOST_PORT: Final = 65535
_SSL_MODES: Final = ("prefer", "disable", "allow", "require", "verify-ca", "verify-full")


def _parts(url: str) -> dict[str, object]:
    # Imported here: psycopg takes a tenth of a start, and the memory store does not need it.
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

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


def _bearer(token: SecretStr) -> SecretStr:
    # No client can send another one: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token.get_secret_value()):
        raise ValueError("expected letters, digits and . _ ~ + / -, at the end also =")
    return token


class Environment(ServerEnvironment, alias_generator=prefixed("PORTS_")):
    """The environment variables of the service, with their defaults."""

    PORTS_STORE_URL: Annotated[SecretStr, AfterValidator(_store_url)] = Field(
        SecretStr(MEMORY_URL),
        description="`memory://`, or a `postgresql://` URL with user, password, host, database.",
    )
    PORTS_DATA_FILE: Path = Field(
        SERVICE_FOLDER / "data" / "ports.json",
        description="The file that the memory store is filled from at start.",
    )
    PORTS_WRITE_TOKEN: (
        Annotated[SecretStr, Field(min_length=16, max_length=200), AfterValidator(_bearer)] | None
    ) = Field(
        None,
        description="Bearer token of `PUT` and `DELETE` (PostgreSQL), as RFC 6750 allows it; unset:"
        " read-only.",
    )
    PORTS_CACHE_SECONDS: int = Field(
        5, ge=0, le=3600, description="How old a read from PostgreSQL may be; 0: not cached."
    )
    PORTS_CACHE_ENTRIES: int = Field(
        1000, ge=1, le=100_000, description="Most reads cached, at most 64 KB each."
    )
    PORTS_POOL_SIZE: int = Field(
        8, ge=1, le=256, description="Most connections to PostgreSQL, a worker."
    )
    PORTS_STATEMENT_SECONDS: float = Field(
        5, ge=0.1, le=600, description="Longest that PostgreSQL may work on one request's query."
    )
    PORTS_FAULTS_FILE: Path | None = Field(
        None, description="For game days: the file that says which fault there is; unset: none."
    )


ENVIRONMENT: Final = Environment.read(os.environ)

_store_url_text = ENVIRONMENT.PORTS_STORE_URL.get_secret_value()
STORE: Final[Literal["memory", "postgresql"]] = (
    "memory" if _store_url_text == MEMORY_URL else "postgresql"
)


def database(url: str) -> dict[str, object]:
    """Return Django's settings for a PostgreSQL connection URL."""
    given = _parts(url)
    options: dict[str, object] = {
        "pool": {
            "connection_class": import_string(
                "seaports.adapters.store.postgres.connection.LimitedConnection"
            ),
            "min_size": 0,
            "max_size": ENVIRONMENT.PORTS_POOL_SIZE,
            # Who waits for a connection holds a thread.
            "timeout": min(1.0, ENVIRONMENT.PORTS_STATEMENT_SECONDS),
            # Requests ask for connections anew. The pool's own attempts come ever more rarely, and
            # would keep the service waiting for a database that is back.
            "reconnect_timeout": 1.0,
        },
        "statement_seconds": ENVIRONMENT.PORTS_STATEMENT_SECONDS,
        "connect_timeout": 3,
        "application_name": SERVICE,
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


# --- Django ---------------------------------------------------------------------------------------

globals().update(
    settings(
        "seaports",
        ENVIRONMENT,
        apps=["seaports", "seaports.adapters.store.postgres"],
        middleware=[] if ENVIRONMENT.PORTS_FAULTS_FILE is None else ["seaports.bootstrap.faults"],
        databases=None if STORE == "memory" else {"default": database(_store_url_text)},
    )
)
CACHES = {
    "default": {
        "BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache",
        "TIMEOUT": ENVIRONMENT.PORTS_CACHE_SECONDS,
        "OPTIONS": {"MAX_ENTRIES": ENVIRONMENT.PORTS_CACHE_ENTRIES},
    }
}

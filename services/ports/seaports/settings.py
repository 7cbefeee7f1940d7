"""Everything that the environment decides, and Django's settings made of it.

Only this module reads the environment (the package telemetry reads OTEL_* and LOG_* itself).
"""

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from service.django.conf import settings
from service.django.postgresql.settings import DatabaseEnvironment
from service.environment import prefixed

SERVICE: Final = "ports"
VERSION: Final = version(SERVICE)
SERVICE_FOLDER: Final = Path(__file__).resolve().parent.parent


def _bearer(token: SecretStr) -> SecretStr:
    # No client can send another one: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token.get_secret_value()):
        raise ValueError("expected letters, digits and . _ ~ + / -, at the end also =")
    return token


class Environment(DatabaseEnvironment, alias_generator=prefixed("PORTS_")):
    """The environment variables of the service, with their defaults."""

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
    PORTS_FAULTS_FILE: Path | None = Field(
        None, description="For game days: the file that says which fault there is; unset: none."
    )


ENVIRONMENT: Final = Environment.read(os.environ)


# --- Django ---------------------------------------------------------------------------------------

globals().update(
    settings(
        "seaports",
        ENVIRONMENT,
        apps=["seaports", "seaports.adapters.store.postgres"],
        middleware=[] if ENVIRONMENT.PORTS_FAULTS_FILE is None else ["seaports.bootstrap.faults"],
        databases=ENVIRONMENT.databases(SERVICE),
    )
)
CACHES = {
    "default": {
        "BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache",
        "TIMEOUT": ENVIRONMENT.PORTS_CACHE_SECONDS,
        "OPTIONS": {"MAX_ENTRIES": ENVIRONMENT.PORTS_CACHE_ENTRIES},
    }
}

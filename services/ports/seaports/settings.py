"""Environment variables of the service, and Django's settings, which depend on them.

In this service, only this module reads the environment. The package telemetry reads OTEL_* and
LOG_*.
"""

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from service.django.cache.settings import CacheEnvironment
from service.django.conf import settings
from service.django.postgresql.settings import DatabaseEnvironment
from service.environment import prefixed

SERVICE: Final = "ports"
VERSION: Final = version(SERVICE)
SERVICE_FOLDER: Final = Path(__file__).resolve().parent.parent


def _bearer(token: SecretStr) -> SecretStr:
    # Clients cannot send other tokens: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token.get_secret_value()):
        raise ValueError("must consist of letters, digits and . _ ~ + / - (and = at the end)")
    return token


class Environment(CacheEnvironment, DatabaseEnvironment, alias_generator=prefixed("PORTS_")):
    """The environment variables of the service, with their defaults."""

    PORTS_DATA_FILE: Path = Field(
        SERVICE_FOLDER / "data" / "ports.json",
        description="File with the ports of the memory store, read at start.",
    )
    PORTS_WRITE_TOKEN: (
        Annotated[SecretStr, Field(min_length=16, max_length=200), AfterValidator(_bearer)] | None
    ) = Field(
        None,
        description="Bearer token (RFC 6750) that `PUT` and `DELETE` require, with PostgreSQL only."
        " Unset: the API is read-only.",
    )
    PORTS_FAULTS_FILE: Path | None = Field(
        None,
        description="File with the fault to inject on a game day. Unset: fault injection is off.",
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
CACHES = ENVIRONMENT.caches(SERVICE)

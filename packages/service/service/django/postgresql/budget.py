"""Compares the connections that all pods may open with those that the database allows.

`manage.py migrate` runs this check first, so a release that would exhaust the database stops before
its pods start. `manage.py check --database default` runs it too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from service.django.postgresql.settings import REPLICA

if TYPE_CHECKING:
    from service.django.postgresql.settings import DatabaseEnvironment

__all__ = ["connection_budget"]

# least() ignores NULL, and a limit of -1 means none:
# https://www.postgresql.org/docs/current/catalog-pg-database.html
_ALLOWED: Final = """
SELECT least(
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int,
  (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
  (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user))
"""


@register(Tags.database)
def connection_budget(*, databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Report databases that allow fewer connections than the service may open (E004).

    The replica is asked with the store's own database. If the replica does not answer, the check
    warns (W001), because the service starts without it.

    The check asks the database itself. Behind a pooler it reports nothing: there, the pooler limits
    the connections to the database.

    Args:
        databases: The databases to ask; none by default.

    Raises:
        django.db.OperationalError: The database does not answer.
    """
    here = cast("DatabaseEnvironment", settings.ENVIRONMENT)
    asked = list(databases or ())
    if DEFAULT_DB_ALIAS in asked and REPLICA in settings.DATABASES:
        asked.append(REPLICA)
    found: list[CheckMessage] = []
    for alias in asked:
        try:
            allowed = _allowed(alias)
        except OperationalError:
            if alias != REPLICA:
                raise
            found.append(
                CheckWarning(
                    "the replica does not answer: its connections are not counted",
                    hint=f"Check {here.prefix()}REPLICA_URL.",
                    id="service.W001",
                )
            )
            continue
        needed = here.PODS * here.WEB_CONCURRENCY * here.POOL_SIZE
        more, what = ("", "replica")
        if alias != REPLICA:
            needed, more, what = needed + 1, ", and one for the migration,", "database"
        if allowed is not None and needed > allowed:
            found.append(
                Error(
                    f"{here.PODS} pods x {here.WEB_CONCURRENCY} workers x {here.POOL_SIZE}"
                    f" connections{more} are {needed}; the {what} allows {allowed}",
                    hint=f"Lower {here.prefix()}POOL_SIZE or the number of pods, raise the"
                    " database's limit, or use a pooler.",
                    id="service.E004",
                )
            )
    return found


def _allowed(alias: str) -> int | None:
    """Return how many connections a database allows; None behind a pooler."""
    with connections[alias].cursor() as cursor:
        if not connections[alias].connection.keeps_limits:
            return None
        cursor.execute(_ALLOWED)
        (allowed,) = cursor.fetchone()
        return int(allowed)

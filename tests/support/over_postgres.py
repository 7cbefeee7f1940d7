"""The service over a database of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgres, service
from tests.service import Service

TOKEN = "a-token-of-tests-only"  # noqa: S105 - of a throw-away server


@contextmanager
def over_postgres(server: str, database: str, folder: Path, **settings: str) -> Iterator[Service]:
    """Run the service over a new database, with the data set imported and writes allowed."""
    url = postgres.new_database(server, database, postgres.ports(server))
    with service.running(
        folder, PORTS_STORE_URL=url, PORTS_WRITE_TOKEN=TOKEN, **settings
    ) as running:
        yield running

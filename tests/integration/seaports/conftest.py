from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres, service
from tests.service import Service

TOKEN = "a-token-of-tests-only"  # noqa: S105 - of a throw-away server


@pytest.fixture(scope="session")
def memory_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as `make run` starts it."""
    with service.running(tmp_path_factory.mktemp("memory")) as running:
        yield running


@contextmanager
def over_postgres(server: str, database: str, folder: Path, **settings: str) -> Iterator[Service]:
    """Run the service over a new database, with the data set imported and writes allowed."""
    url = postgres.new_database(server, database, postgres.ports(server))
    with service.running(
        folder, PORTS_STORE_URL=url, PORTS_WRITE_TOKEN=TOKEN, **settings
    ) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_service(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service over PostgreSQL; what a test puts it deletes again."""
    folder = tmp_path_factory.mktemp("postgres")
    with over_postgres(postgres_server, "ports_integration", folder) as running:
        yield running


@pytest.fixture(params=["memory", "postgres"])
def any_service(request: pytest.FixtureRequest) -> Service:
    """The service, over each store."""
    running: Service = request.getfixturevalue(f"{request.param}_service")
    return running

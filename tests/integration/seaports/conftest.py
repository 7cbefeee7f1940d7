from collections.abc import Iterator

import pytest

from tests import service
from tests.service import Service
from tests.support.over_postgres import over_postgres


@pytest.fixture(scope="session")
def memory_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as `make run` starts it."""
    with service.running(tmp_path_factory.mktemp("memory")) as running:
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

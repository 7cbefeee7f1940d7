import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker
from seaports import settings
from seaports.adapters.document import encode
from seaports.adapters.store.cached import CachedPortStore
from seaports.adapters.store.memory import MemoryPortStore
from seaports.adapters.store.postgres.models import PortRow, StoreRow
from seaports.adapters.store.postgres.store import PostgresPortStore
from seaports.adapters.store.traced import TracedPortStore
from seaports.application.interfaces import PortStore
from service.django.cache.local import LocalReads
from service.django.cache.shared import SharedReads

from tests import postgres
from tests.support.cache_server import CacheServer, backend


@pytest.fixture(scope="session")
def database(postgres_server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's default connection, to a real server with the tables migrated."""
    with django_db_blocker.unblock():
        connections.settings = connections.configure_settings(
            settings.Environment.read(
                {"PORTS_STORE_URL": postgres.new_database(postgres_server, "ports_contract")}
            ).databases("ports")
        )
        call_command("migrate", verbosity=0)
        yield
        connections.close_all()
        connections["default"].close_pool()  # type: ignore[attr-defined]


@pytest.fixture
def postgres_store(database: None, django_db_blocker: DjangoDbBlocker) -> Iterator[PortStore]:
    with django_db_blocker.unblock():
        PortRow.objects.all().delete()
        StoreRow.objects.update(revision=0, ports=0)
        yield PostgresPortStore(encode)


# Those that need Python alone. `make test-database` names the one that needs a server.
STORES = os.environ.get("PORTS_TEST_STORES", "memory,traced memory,postgresql,cached postgresql")


@pytest.fixture(params=STORES.split(","))
def store(request: pytest.FixtureRequest) -> PortStore:
    """Each implementation of `PortStore`, empty."""
    if request.param == "memory":
        return MemoryPortStore(encode)
    if request.param == "traced memory":
        return TracedPortStore(MemoryPortStore(encode), system="memory")
    postgres_store: PortStore = request.getfixturevalue("postgres_store")
    if request.param == "postgresql":
        return postgres_store
    if request.param == "cached postgresql":
        caches["default"].clear()
        return CachedPortStore(postgres_store, LocalReads(caches["default"]))
    assert request.param == "shared postgresql", request.param
    cache_server: CacheServer = request.getfixturevalue("cache_server")
    return CachedPortStore(postgres_store, SharedReads(backend(cache_server.url)))


@pytest.fixture
def cache_server(tmp_path: Path) -> Iterator[CacheServer]:
    with CacheServer(tmp_path) as cache_server:
        yield cache_server

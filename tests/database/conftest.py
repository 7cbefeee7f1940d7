from collections.abc import Iterator
from pathlib import Path

import pytest
from stack.postgresql import Server

from tests import postgres
from tests.support.cache_server import CacheServer


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that a test may break as it likes."""
    with postgres.cluster() as server:
        yield server


@pytest.fixture
def cache_server(tmp_path: Path) -> Iterator[CacheServer]:
    """A server of cached values that a test may break as it likes."""
    with CacheServer(tmp_path) as cache_server:
        yield cache_server

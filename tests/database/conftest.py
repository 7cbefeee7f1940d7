from collections.abc import Iterator

import pytest
from stack.postgresql import Server

from tests import postgres


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that a test may break as it likes."""
    with postgres.cluster() as server:
        yield server

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests import postgres

# How long an example takes is the machine's business: benchmarks measure, tests do not.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, on which tests make databases of their own."""
    if given := os.environ.get(postgres.GIVEN):
        yield given
    else:
        with postgres.cluster() as server:
            yield server.url

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from tests import postgres
from tests.support.harness import Receiver, Server, serving

# The time of an example depends on the machine: benchmarks measure, tests do not.
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


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test, whatever happens."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(serving(tmp_path, **given))


@pytest.fixture(scope="module")
def serve_in_module(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the module's last test."""
    directory = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(serving(directory, **given))


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by tests that earlier requests do not affect."""
    with serving(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Receive OTLP until the test ends."""
    receiver = Receiver()
    receiver.up()
    try:
        yield receiver
    finally:
        receiver.down()

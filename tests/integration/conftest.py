from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.harness import Receiver, Server, serving


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

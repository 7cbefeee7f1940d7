from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.telemetry.harness import Receiver, Server, serving


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test, whatever happens."""
    with ExitStack() as stack:
        yield lambda **environment: stack.enter_context(serving(tmp_path, **environment))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Receive OTLP until the test ends."""
    receiver = Receiver()
    receiver.up()
    try:
        yield receiver
    finally:
        receiver.down()

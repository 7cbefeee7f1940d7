"""A network between two programs, which a test slows down or cuts."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.service import free_port

_LOOK_SECONDS = 0.02


class Proxy:
    """Forwards the connections of one port.

    Attributes:
        port: Where it listens, on localhost.
        delay: Seconds by which what comes is late, each way; None holds all of it back.
    """

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self.delay: float | None = 0.0
        self._to = to

    async def serve(self, until: asyncio.Event, up: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        up.set()
        await until.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        await asyncio.gather(self._forward(reader, back), self._forward(there, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                while (delay := self.delay) is None:  # noqa: ASYNC110 - set from another thread
                    await asyncio.sleep(_LOOK_SECONDS)
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def proxy(to: int) -> Iterator[Proxy]:
    """Run a proxy before a port of this machine."""
    one = Proxy(to)
    up, until = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def run() -> None:
        with asyncio.Runner() as runner:  # cancels what still forwards at the end
            loops.append(runner.get_loop())
            runner.run(one.serve(until, up))

    thread = threading.Thread(target=run)
    thread.start()
    up.wait()
    try:
        yield one
    finally:
        loops[0].call_soon_threadsafe(until.set)
        thread.join()

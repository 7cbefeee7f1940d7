"""A webhook that keeps what Alertmanager sends."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    """One notification.

    Attributes:
        at: When it arrived, in seconds of Unix time.
        receiver: Alertmanager's receiver that it was for.
        body: What Alertmanager wrote.
    """

    at: float
    receiver: str
    body: dict[str, Any]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that it tells of, each with `status`, `labels` and `annotations`."""
        alerts: list[dict[str, Any]] = self.body["alerts"]
        return alerts


@dataclass
class Inbox:
    """The messages that arrived, in their order."""

    messages: list[Message] = field(default_factory=list)

    def of(self, receiver: str, since: float = 0) -> list[Message]:
        """Messages of a receiver, from a time on."""
        return [m for m in self.messages if m.receiver == receiver and m.at >= since]


@contextmanager
def listening(port: int, host: str = "127.0.0.1") -> Iterator[Inbox]:
    """Keep what is posted to `http://<host>:<port>/<receiver>`."""
    kept = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.messages.append(Message(time.time(), self.path.removeprefix("/"), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

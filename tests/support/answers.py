"""A stand-in for Prometheus, with answers that a healthy one does not give."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


def vector(*values: str, **more: Sequence[str] | bool) -> str:
    """Return an instant vector of these values, with more fields of the whole answer."""
    result = [{"metric": {"n": str(n)}, "value": [0, value]} for n, value in enumerate(values)]
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    )


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve by a handler on a free port of 127.0.0.1; yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # An open connection of a client does not hold up the end.
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering(body: str, series: Sequence[Mapping[str, str]] | None = None) -> Iterator[str]:
    """Answer each request alike, but the one for series with these if any are given."""
    listed = json.dumps({"status": "success", "data": series})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asks_series = urlsplit(self.path).path.endswith("/series") and series is not None
            self.send_response(200)
            self.end_headers()
            self.wfile.write((listed if asks_series else body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with listening(Handler) as url:
        yield url

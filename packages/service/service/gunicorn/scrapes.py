"""The listener that serves only /metrics (METRICS_PORT)."""

import logging
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Any, Final

from telemetry import exposition, logs

from service import hosts

# A scraper sends its request at once. More connections without one than these are nobody's.
_MOST_SILENT: Final = 16
_PAUSE_SECONDS: Final = 0.1
_ALLOWED: Final = ("GET", "HEAD")

_log = logs.get_logger("service.scrapes")


class Server(ThreadingHTTPServer):
    """Serves /metrics; clients that send nothing take neither its threads nor its descriptors."""

    daemon_threads = True

    def __init__(self, listener: socket) -> None:
        """Serve a socket that already listens."""
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._silent: dict[socket, None] = {}  # the longest silent first

    def get_request(self) -> tuple[socket, Any]:
        """Accept a connection; where no descriptor is left, do not try again at once."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(_PAUSE_SECONDS)
            raise

    def wait(self, connection: socket) -> None:
        """Note that a connection waits for a request; end the longest waiting of too many."""
        self._silent[connection] = None
        if len(self._silent) > _MOST_SILENT and (first := next(iter(self._silent), None)):
            self.no_longer_silent(first)
            with suppress(OSError):  # its client may have reset it
                first.shutdown(SHUT_RDWR)  # its thread does the rest

    def no_longer_silent(self, connection: socket) -> None:
        """Note that a connection has a whole request, or has ended."""
        self._silent.pop(connection, None)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.no_longer_silent(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- the base's
        """Log what failed; that a client is gone is no error."""
        gone = isinstance(sys.exc_info()[1], OSError)
        _log.log(logging.DEBUG if gone else logging.ERROR, "A scrape failed.", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10  # seconds for a client to send its request
    protocol_version = "HTTP/1.1"
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def handle_one_request(self) -> None:
        """Wait for a request, and answer it."""
        self.server.wait(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Read a request's head; say whether it is one that may be answered."""
        if not super().parse_request():
            return False
        major, minor = map(int, self.request_version.removeprefix("HTTP/").split("."))
        why = hosts.refusal(self.path, self.headers.get_all("Host", []), (major, minor))
        if major == 0:
            why = "HTTP/0.9 is not served"
        if why is not None:
            self.send_error(HTTPStatus.BAD_REQUEST, why)
        elif self.command not in _ALLOWED:
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            return True
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request; what a client sends is never a failure of the service, so no 5xx."""
        if code == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
            code = HTTPStatus.BAD_REQUEST
        self.request_version = self.protocol_version  # an answer to HTTP/0.9 has no head
        super().send_error(code, message, explain)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer."""
        super().send_response(code, message)
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_ALLOWED))

    def do_HEAD(self) -> None:
        """Answer with what GET would say of the exposition."""
        self._head()

    def do_GET(self) -> None:
        """Answer any path with the exposition."""
        self.wfile.write(self._head())

    def _head(self) -> bytes:
        self.server.no_longer_silent(self.connection)
        content_type, body = exposition.render(self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or any(each != "0" for each in lengths):
            # The content is not read, so it must not count as the next request.
            self.send_header("Connection", "close")
        self.end_headers()
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Write nothing: a scrape every few seconds is no news."""

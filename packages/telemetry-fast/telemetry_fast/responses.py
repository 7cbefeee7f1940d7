"""gunicorn's response, its head and a short body in one packet."""

import time
from functools import lru_cache
from typing import Final

from gunicorn import util
from gunicorn.http import wsgi

# A longer body is not worth a copy behind its head.
_SHORT: Final = 16384
_NAMES: Final = 256


@lru_cache(maxsize=_NAMES)
def _is_ordinary(name: str) -> bool:
    """Say whether a field's name is one, and means nothing to the server."""
    is_name = wsgi.TOKEN_RE.fullmatch(name) is not None
    return is_name and name.lower() != "content-length" and not util.is_hoppish(name)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return str(util.http_date(second))


class Response(wsgi.Response):  # type: ignore[misc]
    """A response of HTTP/1."""

    headers_sent: bool

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take over the application's fields.

        Raises:
            TypeError: A name or value is no string.
            InvalidResponseHeaderName: A name is no token.
            InvalidResponseHeader: A value has a character that ends or hides it.
        """
        for name, value in headers:
            if (
                type(name) is type(value) is str
                and _is_ordinary(name)
                and wsgi.HEADER_VALUE_RE.fullmatch(value)
            ):
                self.headers.append((name, value.strip(" \t")))
            else:
                super().process_headers([(name, value)])

    def default_headers(self) -> list[str]:
        """Return the status line and the server's own fields, as lines."""
        major, minor = self.req.version
        ends = "close" if self.should_close() else "keep-alive"
        lines = (
            f"HTTP/{major}.{minor} {self.status}",
            f"Server: {self.version}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {'upgrade' if self.upgrade else ends}",
            *(("Transfer-Encoding: chunked",) if self.chunked else ()),
        )
        return ["\r\n".join(lines), "\r\n"]

    def write(self, data: bytes) -> None:
        """Send a part of the body, the first time behind the head.

        Raises:
            TypeError: The application gave no bytes.
        """
        is_first = not (self.headers_sent or self.chunked or self._omits_body)
        if not is_first or type(data) is not bytes or len(data) > _SHORT:
            super().write(data)
            return
        if self.response_length is not None:
            data = data[: self.response_length]
        self._send_head(data)
        self.sent = len(data)

    def send_headers(self) -> None:
        """Send the head alone, unless it has been sent."""
        if not self.headers_sent:
            self._send_head(b"")

    def _send_head(self, data: bytes) -> None:
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers])
        packet = f"{''.join(self.default_headers())}{fields}\r\n".encode("latin-1") + data
        self.headers_sent = True
        self.sock.sendall(packet)

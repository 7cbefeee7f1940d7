"""Bytes to a server and back, without a client library that would correct them."""

import socket
from contextlib import suppress


def exchange(port: int, sent: bytes, *, half_close: bool = False, timeout: float = 30) -> bytes:
    """Send bytes on a new connection to this machine, and return all that comes back.

    Args:
        port: Where to.
        sent: What a client sends.
        half_close: Whether the client says that it sends no more; it still reads.
        timeout: Longest wait for the next bytes, in seconds.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(sent)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while data := connection.recv(65536):
                answer += data
        return answer

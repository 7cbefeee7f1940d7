"""An accepted socket that waits for its client only so long, while a thread waits with it."""

import errno
import socket
import time
from typing import Any, Final

from gunicorn.http import errors

_AT_LEAST_SECONDS: Final = 0.001  # 0 would mean: do not wait at all


class RequestTimeout(errors.ParseException):  # type: ignore[misc]
    """The client did not send its whole request line and headers in time."""

    def __str__(self) -> str:
        return "The request did not arrive in time."


class PatientSocket(socket.socket):
    """Bounds the whole of a request's head, each wait for its body, and each write.

    After gunicorn's ``setblocking`` a thread of its pool would wait for ever. To the system the
    socket never blocks: what is there is taken at once, and only who has to wait asks for time. A
    timeout that the system knows of costs two system calls whenever it is set, and each one lets
    go of the interpreter.

    Attributes:
        head_until: time.monotonic() until which the head has to be there; None when no head is
            being read.
        sent_at: time.monotonic() when something was last sent.
    """

    def __init__(self, accepted: socket.socket, seconds: float) -> None:
        super().__init__(fileno=accepted.detach())
        super().setblocking(False)
        self._seconds = seconds
        self._timeout = 0.0
        self._spent = False
        self.head_until: float | None = None
        self.sent_at = 0.0

    def setblocking(self, flag: bool) -> None:
        """Wait within bounds from now on, or not at all."""
        self._timeout = self._seconds if flag else 0.0

    def settimeout(self, value: float | None) -> None:
        """Wait so many seconds from now on, or within the bounds if they are nearer."""
        self._timeout = self._seconds if value is None else min(value, self._seconds)

    def gettimeout(self) -> float:
        """Return how many seconds a wait lasts, 0 for none."""
        return self._timeout

    def is_silent(self) -> bool:
        """Say whether there is nothing to read, not even the client's end."""
        try:
            super().recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass  # who reads finds out what is wrong with it
        return False

    def recv(self, *args: Any) -> bytes:
        """Receive.

        A body that stalls ends as if its client had gone: what comes later is never taken for the
        connection's next request.

        Raises:
            RequestTimeout: The head was not there in time.
        """
        if self._spent:
            return b""
        try:
            return super().recv(*args)
        except BlockingIOError:
            if not self._timeout:
                raise
        seconds = self._timeout
        if self.head_until is not None:
            seconds = max(_AT_LEAST_SECONDS, self.head_until - time.monotonic())
        try:
            super().settimeout(seconds)
            return super().recv(*args)
        except TimeoutError:
            self._spent = True
            if self.head_until is not None:
                raise RequestTimeout from None
            return b""
        finally:
            super().settimeout(0.0)

    def sendall(self, data: Any, *args: Any) -> None:
        """Send all, in time.

        Raises:
            BrokenPipeError: The client did not take it in time; it counts as gone.
        """
        self.sent_at = time.monotonic()
        try:
            sent = super().send(data, *args)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return
        if not self._timeout:
            raise BlockingIOError(errno.EAGAIN, "The client's buffer is full.")
        try:
            super().settimeout(self._timeout)
            super().sendall(memoryview(data)[sent:], *args)
        except TimeoutError:
            self._spent = True
            raise BrokenPipeError(errno.EPIPE, "The client stopped reading.") from None
        finally:
            super().settimeout(0.0)

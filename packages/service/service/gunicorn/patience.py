"""An accepted socket that limits how long a thread waits for the client."""

import errno
import re
import socket
import time
from typing import Any, Final

from gunicorn.http import errors

# A head may be so long, in bytes: many clients may have sent a part of one.
MAX_HEAD: Final = 32768
_PART: Final = 8192
# Where a head ends, or is none: a line feed alone ends no line of it (RFC 9112, section 2.2).
_END: Final = re.compile(rb"\r\n\r\n|(?<!\r)\n")
# So many bytes of a body earn its client another second.
_BYTES_A_SECOND: Final = 1000
# The rest of a body that nobody has read may be on its way, behind the head.
_REST_SECONDS: Final = 0.1


class HeadIncomplete(errors.ParseException):  # type: ignore[misc]
    """The client has yet to send the rest of a request's head."""

    def __str__(self) -> str:
        return "The rest of the head is not there yet."


class PatientSocket(socket.socket):
    """Never waits for a head, and bounds the waits for a body and for each write.

    After gunicorn's ``setblocking`` a thread of its pool would wait for ever. To the system the
    socket never blocks: what is there is taken at once, and only who has to wait asks for time. A
    timeout that the system knows of costs two system calls whenever it is set, and each one lets
    go of the interpreter.

    Attributes:
        head_until: time.monotonic() until which the head that has begun has to be there; 0.0 when
            none has begun.
        is_incomplete: Whether the thread that read a head last found only a part of it.
        sent_at: time.monotonic() when something was last sent.
    """

    def __init__(self, accepted: socket.socket, seconds: float) -> None:
        super().__init__(fileno=accepted.detach())
        super().setblocking(False)
        self._seconds = seconds
        self._timeout = 0.0
        self._credit = seconds  # how long a client may still be waited for
        self._is_spent = False
        self._is_answered = False
        self._reads_head = False
        self._head = b""  # what was received of the head that is being read
        self._ahead = b""  # what was received and is yet to be read
        self.head_until = 0.0
        self.is_incomplete = False
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

    def begin_head(self) -> None:
        """Read a request's head from now on; its time runs from the first call for this head."""
        self._reads_head, self.is_incomplete = True, False
        self.head_until = self.head_until or time.monotonic() + self._seconds

    def end_head(self) -> None:
        """Wait within bounds from now on, for the body and for each write."""
        self._reads_head, self._is_answered = False, False
        self._head, self.head_until = b"", 0.0
        self._timeout = self._credit = self._seconds

    def end_request(self) -> None:
        """Hardly wait for what the application left of the body: the answer is sent."""
        self._reads_head, self._is_answered = False, True
        self._credit = _REST_SECONDS

    def unread(self, data: bytes) -> None:
        """Have this read before what comes."""
        self._ahead = data + self._ahead

    def gather(self) -> bool:
        """Take what came of the rest of a head; say whether the poller has to wait for more."""
        seen = max(0, len(self._ahead) - 3)
        try:
            data = super().recv(_PART)
        except BlockingIOError:
            return True
        except OSError:
            return False  # who reads finds out what is wrong with it
        self._ahead += data
        is_whole = _END.search(self._ahead, seen) is not None
        return bool(data) and not is_whole and len(self._ahead) <= MAX_HEAD

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive; more than bufsize where more is known.

        A body that stalls ends as if its client had gone: what comes later is never taken for the
        connection's next request.

        Raises:
            HeadIncomplete: The rest of the head is not there; what there is will be read again.
            LimitRequestHeaders: The head is longer than MAX_HEAD.
            TimeoutError: The request is answered, and its body not there.
        """
        if self._is_spent:
            return b""
        if self._reads_head and len(self._head) > MAX_HEAD:
            raise errors.LimitRequestHeaders(f"the head has more than {MAX_HEAD} bytes")
        data = self._ahead
        if data and flags & socket.MSG_PEEK:
            return data[:bufsize]
        if data:
            self._ahead = b""
        else:
            data = self._received(bufsize, flags)
        if self._reads_head:
            self._head += data
        return data

    def _received(self, bufsize: int, flags: int) -> bytes:
        try:
            return super().recv(bufsize, flags)
        except BlockingIOError:
            if not self._timeout:
                raise
        if self._reads_head:
            self._ahead, self._head = self._head, b""
            self._reads_head, self.is_incomplete = False, True
            raise HeadIncomplete
        began = time.monotonic()
        try:
            super().settimeout(max(0.001, min(self._timeout, self._credit)))  # 0 would not wait
            data = super().recv(bufsize, flags)
        except TimeoutError:
            if self._is_answered:
                raise
            self._is_spent = True
            return b""
        finally:
            super().settimeout(0.0)
        earned = 0.0 if self._is_answered else len(data) / _BYTES_A_SECOND
        self._credit = min(self._seconds, self._credit + earned - (time.monotonic() - began))
        return data

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
            self._is_spent = True
            raise BrokenPipeError(errno.EPIPE, "The client stopped reading.") from None
        finally:
            super().settimeout(0.0)

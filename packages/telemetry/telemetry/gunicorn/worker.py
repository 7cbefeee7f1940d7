"""gunicorn's threaded worker, with its queue measured and bounded, and no error left as HTML."""

import selectors
import socket
import time
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gunicorn.workers import base, gthread

from telemetry import context, metrics, names
from telemetry.gunicorn import answers, hooks

# Half-closed connections are drained for so long, so that a reset does not overtake the answer.
_LINGER_SECONDS: Final = 2.0
_SAMPLE_SECONDS: Final = 0.25


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """Stamps each request's arrival, answers 503 beyond the bound on waiting ones."""

    slot: int
    core: int
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.busy: set[object] = set()
        self._queued: deque[Any] = deque()
        self._lingering: deque[Any] = deque()
        self._sampled_at = 0.0
        self.quitting = False

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection to the threads, or refuse it when too many wait already."""
        conn.queued_at = time.monotonic()
        if not self.refuses(conn):
            self._queued.append(conn)
            super().enqueue_req(conn)

    def refuses(self, conn: Any) -> bool:
        """Answer 503 if too many wait already; say whether that was done."""
        if self.waiting() < hooks.config().max_waiting or not answers.refuse(conn):
            return False
        self.linger(conn)
        return True

    def waiting(self) -> int:
        """Return how many connections no thread has taken yet."""
        return len(self._queued)

    def handle(self, conn: Any) -> Any:
        """Handle a connection in a thread, which may first wait for its request."""
        self._queued.popleft()  # any one: they are counted
        conn.was_silent = not conn.initialized and not conn.wait_for_data(0)
        self.busy.add(conn)
        context.arrived_at.set(conn.queued_at)
        try:
            return super().handle(conn)
        finally:
            self.busy.discard(conn)
            context.end()

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request whose head is there: how long it waited is known now."""
        # A client's own silence is no waiting of ours.
        since = time.monotonic() if conn.was_silent else conn.queued_at
        context.arrived_at.set(answers.arrival(conn.sock, since))
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close a connection without keeping the poller from others, or leave it to the base.

        The base waits up to two seconds, in the poller's thread, for the client to close.
        """
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
        else:
            self.linger(conn)

    def notify(self) -> None:
        """Tell the arbiter, and the gauges, how the worker is; called at each turn of the loop."""
        now = time.monotonic()
        if now - self._sampled_at >= _SAMPLE_SECONDS:
            self._sampled_at = now
            super().notify()
            metrics.gauge(names.HTTP_SERVER_THREADS).set(self.cfg.threads)
            busy = len(self.busy)
            metrics.gauge(names.HTTP_SERVER_THREADS_BUSY).set(busy)
            # What was put down just now, for a thread that is free, does not wait for one.
            waiting = max(0, self.waiting() - (self.cfg.threads - busy))
            metrics.gauge(names.HTTP_SERVER_WAITING).set(waiting)
            metrics.gauge(names.HTTP_SERVER_WAITING_LIMIT).set(hooks.config().max_waiting)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop; the metrics listener goes to the worker that comes after."""
        hooks.stop_metrics()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once, and only once: Ctrl-C in a terminal reaches arbiter and workers alike."""
        if self.quitting:
            return
        self.quitting = True
        # Not gthread's own: it takes the pool's lock, which the interrupted thread may hold.
        base.Worker.handle_quit(self, sig, frame)

    def linger(self, conn: Any) -> None:
        """Half-close, and let the poller drain what the client still sends."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + min(_LINGER_SECONDS, self.cfg.keepalive)
        self._lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Any, sock: socket.socket) -> None:
        try:
            if sock.recv(answers.MAX_HEAD):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # reset by the client: nothing more comes
        self._lingering.remove(conn)
        self._close(conn)

    def _close(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections that outstayed their time, refused ones among them."""
        super().murder_pending()
        now = time.monotonic()
        while self._lingering and self._lingering[0].timeout <= now:
            self._close(self._lingering.popleft())

    def status_of(self, exc: BaseException) -> HTTPStatus:
        """Return the status that answers what went wrong outside the application."""
        return answers.status_of(exc)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request, or what broke outside the application, with a problem."""
        answers.answer_error(req, client, addr, exc, self.status_of(exc))

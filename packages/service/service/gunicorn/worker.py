"""gunicorn's threaded worker with a measured and limited queue, and without HTML errors.

No client can block a thread for longer than a timeout. The poller waits for unused connections and
for the rest of a request's head, which gets 408 after the timeout. A stalled body, or a client that
stops reading, releases its thread. If connections or file descriptors run out, the worker closes
the connection that is unused for longest.
"""

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent import futures
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final

from gunicorn.workers import base, gthread
from telemetry import context, logs, metrics, names

from service.gunicorn import answers, hooks
from service.gunicorn.patience import HeadIncomplete, PatientSocket

_log = logs.get_logger("service.gunicorn")

# Half-closed connections are drained for so long, so that a reset does not overtake the answer.
_LINGER_SECONDS: Final = 2.0
_SAMPLE_SECONDS: Final = 0.25
# A kept connection that is younger is not closed for another one: its next request may be near.
_KEPT_SECONDS: Final = 0.1
# Errors of accept() if this process or the system has no room for another connection.
_EXHAUSTED: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC}
)
_COMPLAIN_EVERY_SECONDS: Final = 60.0
# The result of a thread for a connection whose client has sent a part of a head.
INCOMPLETE: Final = object()


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """Stamps each request's arrival, answers 503 beyond the bound on waiting ones."""

    # Signals that get the system's handling before the worker's. A stop that came in between would
    # kill: those keep the handlers of the hooks until the worker's take their place.
    SIGNALS: ClassVar = [each for each in gthread.ThreadWorker.SIGNALS if each not in hooks.STOPS]

    slot: int
    core: int
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The connections that the threads have: those that they serve, and those that wait.
        self.held: set[object] = set()
        self.probes: Any = None
        self._lingering: deque[Any] = deque()
        self._sampled_at = 0.0
        self._complained_at = -_COMPLAIN_EVERY_SECONDS
        self.quitting = False

    def accept(self, listener: Any) -> None:
        """Accept a connection; where there is no room for one, wait until there is.

        The number of connections that fit is known now, and gunicorn's loop keeps to it until
        notify() lets it try again. Meanwhile an unused connection makes room.
        """
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self.worker_connections = self.nr_conns
            if time.monotonic() - self._complained_at >= _COMPLAIN_EVERY_SECONDS:
                self._complained_at = time.monotonic()
                _log.warning(
                    names.EXHAUSTED_EVENT, connections=self.nr_conns, reason=error.strerror
                )

    def init_process(self) -> None:
        """Boot, with a thread beside the pool's."""
        self.probes = futures.ThreadPoolExecutor(1, thread_name_prefix="probes")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Take a connection that was accepted, or whose client has sent something.

        No thread waits for a client that has not said anything.
        """
        conn.queued_at = time.monotonic()
        if type(conn.sock) is socket.socket:  # accepted now
            conn.sock = PatientSocket(conn.sock, hooks.config().patience_seconds)
            self.welcome(conn)
            if conn.sock.is_silent():
                self._await_request(conn)
                return
            conn.data_ready = True
        elif conn.initialized:
            # gunicorn may have read a part of the next request with the last one.
            conn.sock.unread(conn.parser.unreader.take_buffered())
        if self._is_urgent(conn):
            self.probe(conn)
        elif not self.refuses(conn):
            self.held.add(conn)
            self.serve(conn)

    def _is_urgent(self, conn: Any) -> bool:
        """Say whether a new connection, or one that was waited for, has a probe and threads do not.

        Probes do not wait for threads that wait for something else, such as a database.
        """
        return (
            (not conn.initialized or conn.sock.is_incomplete)
            and len(self.held) >= self.cfg.threads
            and answers.is_probe(answers.peek(conn.sock))
        )

    def probe(self, conn: Any) -> None:
        """Serve a connection in the probes' own thread."""
        done = self.probes.submit(self.handle, conn)
        done.add_done_callback(
            lambda result: self.method_queue.defer(self.finish_request, conn, result)
        )

    def welcome(self, conn: Any) -> None:
        """Prepare a connection that was accepted."""

    def _await_request(self, conn: Any) -> None:
        conn.timeout = conn.queued_at + hooks.config().patience_seconds
        self._let_poller_wait(conn, self.on_pending_socket_readable)

    def _await_head(self, conn: Any) -> None:
        conn.timeout = conn.sock.head_until
        self._let_poller_wait(conn, self._gather)

    def _let_poller_wait(self, conn: Any, readable: Callable[[Any, Any], None]) -> None:
        conn.sock.setblocking(False)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(readable, conn))

    def _gather(self, conn: Any, sock: PatientSocket) -> None:
        if not sock.gather():
            self.on_pending_socket_readable(conn, sock)

    def serve(self, conn: Any) -> None:
        """Let the next free thread serve a connection."""
        super().enqueue_req(conn)

    def refuses(self, conn: Any) -> bool:
        """Answer 503 if too many wait already; say whether that was done."""
        if self.waiting() < hooks.config().max_waiting or not answers.refuse(conn):
            return False
        self.linger(conn)
        return True

    def waiting(self) -> int:
        """Return how many connections wait for a thread."""
        return max(0, len(self.held) - int(self.cfg.threads))

    def handle(self, conn: Any) -> Any:
        """Handle a connection in a thread, which may first wait for its request."""
        return self.attend(conn, answers.arrival(conn.sock, conn.queued_at))

    def attend(self, conn: Any, arrived: float) -> Any:
        """Handle a connection whose request arrived at this time.monotonic().

        INCOMPLETE is returned where the rest of the head has to come: no thread waits for it.
        """
        context.arrived_at.set(arrived)
        conn.sock.begin_head()
        try:
            keep = gthread.ThreadWorker.handle(self, conn)
            return INCOMPLETE if conn.sock.is_incomplete else keep
        finally:
            conn.sock.end_request()
            self.held.discard(conn)
            context.end()

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request whose head is there."""
        conn.sock.end_head()
        answers.check_address(req)
        keep = bool(gthread.ThreadWorker.handle_request(self, req, conn))
        conn.sock.end_request()
        return keep

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close a connection without keeping the poller from others, or leave it to the base.

        The base waits up to two seconds, in the poller's thread, for the client to close.
        """
        keep = not fs.cancelled() and not fs.exception() and fs.result()
        if keep is INCOMPLETE:
            self._await_head(conn)
        elif keep:
            super().finish_request(conn, fs)
        else:
            self.linger(conn)

    def notify(self) -> None:
        """Tell the arbiter, and the gauges, how the worker is; called at each turn of the loop."""
        now = time.monotonic()
        if now - self._sampled_at >= _SAMPLE_SECONDS:
            self._sampled_at = now
            self.worker_connections = self.cfg.worker_connections  # accept() may have lowered it
            super().notify()
            metrics.gauge(names.HTTP_SERVER_THREADS).set(self.cfg.threads)
            waiting = self.waiting()
            metrics.gauge(names.HTTP_SERVER_THREADS_BUSY).set(len(self.held) - waiting)
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
        with suppress(KeyError):  # the system may have had no memory to register it
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """End the connections that outstayed their time, and make room.

        Half a request is answered with 408; a connection that has sent nothing is closed.
        """
        now = time.monotonic()
        if not self.alive:  # nothing that has not begun holds up the end
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, now + gthread.STOP_KEEPALIVE_LINGER)
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            conn = self.pending_conns.popleft()
            if answers.time_out(conn):
                self.poller.unregister(conn.sock)
                self.linger(conn)
            else:
                self._close(conn)
        while self._lingering and self._lingering[0].timeout <= now:
            self._close(self._lingering.popleft())
        while self.nr_conns >= self.worker_connections and (idle := self._idle(now)):
            self._close(idle.popleft())

    def _idle(self, now: float) -> deque[Any] | None:
        """Return the connections of which the first is missed the least, if there is one."""
        kept_at = now + self.cfg.keepalive - _KEPT_SECONDS
        kept = self.keepalived_conns
        if self.pending_conns or self._lingering:
            return self.pending_conns or self._lingering
        return kept if kept and kept[0].timeout <= kept_at else None

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request, or what broke outside the application, with a problem."""
        if not isinstance(exc, HeadIncomplete):
            answers.answer_error(req, client, addr, exc, answers.status_of(exc))

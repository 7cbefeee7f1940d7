"""gunicorn's threaded worker, with its queue measured and bounded, and no error left as HTML."""

import logging
import re
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers import base, gthread

from telemetry import context, logs, metrics, names, problem
from telemetry.gunicorn import environs, hooks
from telemetry.gunicorn.patience import PatientSocket, RequestTimeout
from telemetry.gunicorn.requests import Parser, Request
from telemetry.gunicorn.responses import Response

_errors = logs.get_logger("telemetry.gunicorn")

# A new connection without a request gives its thread back after so many seconds.
_SILENCE_SECONDS: Final = 0.02
# Half-closed connections are drained for so long, so that a reset does not overtake the answer.
_LINGER_SECONDS: Final = 2.0
_SAMPLE_SECONDS: Final = 0.25
# Linux counts arrival times in ticks of up to 4 ms; below this the poller's own clock is better.
_TICK_SECONDS: Final = 0.01
_LAST_DATA_RECV: Final = 8 + 4 * 11  # offset of tcpi_last_data_recv in struct tcp_info, in ms
_MAX_HEAD: Final = 8192

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{3,10}) (/[^ ?]*)[^ ]* HTTP/1")
_ID_HEADER: Final = re.compile(rb"(?i)\r\nX-Request-ID:[ \t]*([\w.-]{1,128})[ \t]*\r\n")
_TRACE_HEADER: Final = re.compile(rb"(?i)\r\ntraceparent:[ \t]*([0-9a-f-]+)[ \t]*\r\n")

_STATUSES: Final = {
    RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def _status_of(exc: BaseException) -> HTTPStatus:
    if not isinstance(exc, errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)


def _arrival(sock: socket.socket, queued_at: float) -> float:
    """Return when the request's last bytes arrived, by the kernel, else when it was queued.

    What waits in the listener's backlog, or for a busy poller, waits too.
    """
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECV + 4)
        age = struct.unpack_from("I", info, _LAST_DATA_RECV)[0] / 1000
    except (AttributeError, OSError, struct.error):  # not Linux, not TCP
        return queued_at
    arrived = time.monotonic() - age
    return arrived if queued_at - arrived > _TICK_SECONDS else queued_at


class _Threads:
    """The pool, without the futures, locks and callbacks of the standard library's."""

    def __init__(self, count: int, serve: Callable[[Any], None]) -> None:
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._serve = serve
        self._count = count
        self._started = 0

    def put(self, conn: Any) -> None:
        """Let the next free thread serve a connection; only the poller calls this.

        The first ones start the threads: while a worker boots, a signal ends it wherever it is, and
        a thread's start is no good place.
        """
        self._waiting.put(conn)
        if self._started < self._count:
            self._started += 1
            name = f"requests-{self._started}"
            threading.Thread(target=self._run, daemon=True, name=name).start()

    def waiting(self) -> int:
        """Return how many connections no thread has taken yet."""
        return self._waiting.qsize()

    def shutdown(self, *, wait: bool) -> None:  # noqa: ARG002 -- as the base calls it
        """Let each thread end after what it is serving."""
        for _ in range(self._started):
            self._waiting.put(None)

    def _run(self) -> None:
        while (conn := self._waiting.get()) is not None:
            self._serve(conn)


class _Result(NamedTuple):
    """What serving a connection came to, as the base asks a future for it."""

    value: object

    def cancelled(self) -> bool:
        return False

    def result(self) -> object:
        return self.value


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """Stamps each request's arrival, answers 503 beyond the bound on waiting ones."""

    slot: int
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._busy: set[object] = set()
        self._lingering: deque[Any] = deque()
        self._sampled_at = 0.0
        self._looked_at = 0.0
        self.quitting = False

    def init_process(self) -> None:
        """Boot; from here on the configuration's attributes are found without a search."""
        self.cfg.__dict__.update({name: one.get() for name, one in self.cfg.settings.items()})
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection to the threads, or refuse it when too many wait already."""
        if type(conn.sock) is socket.socket:  # just accepted
            conn.sock = PatientSocket(conn.sock, hooks.plan().patience_seconds)
            conn.kept_at = 0.0
            conn.common = None
            if not self.cfg.is_ssl and self.cfg.http2_cleartext == "off":
                conn.parser = Parser(self.cfg, conn.sock, conn.client)
        conn.queued_at = time.monotonic()
        conn.is_fresh = conn.initialized and self._is_fresh(conn)
        if self._waiting() >= hooks.plan().max_waiting and self._refuse(conn):
            return
        self.tpool.put(conn)

    def _is_fresh(self, conn: Any) -> bool:
        """Tell whether a kept connection's request came so lately that the kernel need not say."""
        earliest = conn.sock.sent_at  # it follows an answer
        if conn.kept_at < self._looked_at:  # and the poller had not seen it when it looked before
            earliest = max(earliest, self._looked_at)
        return bool(conn.queued_at - earliest < _TICK_SECONDS)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Let the poller look, and remember when it looked before."""
        looked_at = time.monotonic()
        super().wait_for_and_dispatch_events(timeout)
        self._looked_at = looked_at

    def get_thread_pool(self) -> _Threads:
        """Return the pool that serves connections."""
        return _Threads(self.cfg.threads, self._serve)

    def _serve(self, conn: Any) -> None:
        """Serve a connection, in a thread of the pool."""
        try:
            keep = self.handle(conn)
        except BaseException:  # noqa: BLE001 -- a thread of the pool survives whatever it serves
            keep = False
        if keep is True and self.alive and not conn.parser.unreader.buf.getvalue():
            self._keep(conn)
        else:
            self.method_queue.defer(self.finish_request, conn, _Result(keep))

    def _keep(self, conn: Any) -> None:
        """Give a connection back to the poller, from the thread that served it.

        The base wakes the poller by a pipe to do it. The kernel takes a registration from any
        thread, a deque an append; the poller cannot see the connection before both are done.
        """
        conn.sock.setblocking(False)
        conn.set_timeout()
        conn.kept_at = time.monotonic()
        self.keepalived_conns.append(conn)
        if not self.alive:  # `_cap_keepalive` may have run just before the append
            conn.timeout = min(conn.timeout, time.monotonic() + gthread.STOP_KEEPALIVE_LINGER)
        self.poller.register(
            conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn)
        )

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in tuple(self.keepalived_conns):  # threads may still append
            conn.timeout = min(conn.timeout, deadline)

    def _waiting(self) -> int:
        return int(self.tpool.waiting())

    def handle(self, conn: Any) -> Any:
        """Handle a connection in a thread; its waiting time is known now."""
        if not conn.initialized and not conn.data_ready and not _readable(conn.sock):
            if not conn.wait_for_data(_SILENCE_SECONDS):
                return gthread._DEFER  # noqa: SLF001 -- what the base returns for this
            conn.queued_at = time.monotonic()  # a client's own silence is no waiting of ours
            conn.is_fresh = True
        conn.data_ready = True
        self._busy.add(conn)
        arrived = conn.queued_at if conn.is_fresh else _arrival(conn.sock, conn.queued_at)
        context.arrived_at.set(arrived)
        conn.sock.head_until = time.monotonic() + hooks.plan().patience_seconds
        try:
            return super().handle(conn)
        finally:
            conn.sock.head_until = None
            self._busy.discard(conn)
            context.end()

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request whose head is there; say whether its connection may be kept."""
        conn.sock.head_until = None
        conn.sock.setblocking(True)  # all of the time again, for the body and for each write
        if not isinstance(req, Request):
            return bool(super().handle_request(req, conn))
        response, environ = None, dict[str, Any]()
        try:
            self.cfg.pre_request(self, req)
            response, environ = environs.create(req, conn, self.cfg)
            self._count(response)
            answer = self.wsgi(environ, response.start_response)
            try:
                if isinstance(answer, environ["wsgi.file_wrapper"]):
                    response.write_file(answer)
                else:
                    for part in answer:
                        response.write(part)
                response.close()
            finally:
                if hasattr(answer, "close"):
                    answer.close()
            return not response.should_close()
        except OSError:
            raise
        except (Exception, SystemExit):
            if response and response.headers_sent:
                # The client has a status line already: all that can still be said is the end.
                self.log.exception("Error handling request")
                util.close_graceful(conn.sock)
                raise StopIteration from None
            raise
        finally:
            self._after_request(req, environ, response)

    def _count(self, response: Response) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        is_full = len(self.keepalived_conns) >= self.max_keepalived
        if not self.alive or not self.cfg.keepalive or is_full:
            response.force_close()

    def _after_request(self, req: Request, environ: dict[str, Any], response: Any) -> None:
        try:
            self.cfg.post_request(self, req, environ, response)
        except Exception:
            self.log.exception("Exception in post_request hook")

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close a connection without keeping the poller from others, or leave it to the base.

        The base waits up to two seconds, in the poller's thread, for the client to close.
        """
        if fs.result():
            conn.kept_at = time.monotonic()
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def notify(self) -> None:
        """Tell the arbiter, and the gauges, how the worker is; called at each turn of the loop."""
        now = time.monotonic()
        if now - self._sampled_at >= _SAMPLE_SECONDS:
            self._sampled_at = now
            super().notify()
            metrics.gauge(names.HTTP_SERVER_THREADS).set(self.cfg.threads)
            busy = len(self._busy)
            metrics.gauge(names.HTTP_SERVER_THREADS_BUSY).set(busy)
            # What was put down just now, for a thread that is free, does not wait for one.
            waiting = max(0, self._waiting() - (self.cfg.threads - busy))
            metrics.gauge(names.HTTP_SERVER_WAITING).set(waiting)
            metrics.gauge(names.HTTP_SERVER_WAITING_LIMIT).set(hooks.plan().max_waiting)

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

    def _refuse(self, conn: Any) -> bool:
        """Answer 503 from the main thread; say whether that was done.

        Probes are let through: a saturated service must not be restarted for being saturated, and
        they wait at most as long as the bound allows. A connection that has not sent anything yet
        is let through too: a thread will find it silent, and give it back to the poller.
        """
        try:
            conn.sock.setblocking(False)
            head = conn.sock.recv(_MAX_HEAD, socket.MSG_PEEK)
        except OSError:
            head = b""
        line = _REQUEST_LINE.match(head)
        if not head or (line and line[2].decode("latin-1") in names.PROBE_ROUTES):
            return False
        method = line[1].decode() if line else ""
        found = _ID_HEADER.search(head)
        trace = _TRACE_HEADER.search(head)
        self._answer(
            conn.sock,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Too many requests are waiting.",
            request_id=context.begin(found[1].decode() if found else None),
            method=method if method in names.METHODS else names.METHOD_OTHER,
            route=names.ROUTE_OVERLOAD,
            path=line[2].decode("latin-1") if line else "",
            traceparent=trace[1].decode() if trace else "",
            client=conn.client,
            duration=time.monotonic() - _arrival(conn.sock, conn.queued_at),
        )
        context.end()
        self._linger(conn)
        return True

    def _answer(
        self,
        sock: socket.socket,
        status: HTTPStatus,
        detail: str,
        *,
        request_id: str,
        method: str,
        route: str,
        path: str,
        traceparent: str,
        client: Any,
        duration: float,
    ) -> None:
        metrics.duration_of(method, route, status.value).observe(duration)
        body = problem.response(status, detail, request_id, path=path, traceparent=traceparent)
        logs.access(
            logging.INFO,
            {
                "method": method,
                "route": route,
                "status": status.value,
                "duration_ms": round(duration * 1000, 3),
                "bytes": len(body.partition(b"\r\n\r\n")[2]),
                "client": client[0] if isinstance(client, tuple) else "",
            },
        )
        try:
            sock.sendall(body)
        except OSError as exc:
            _errors.debug("The client did not wait for its answer.", reason=str(exc))

    def _linger(self, conn: Any) -> None:
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
            if sock.recv(_MAX_HEAD):
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

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request, or what broke outside the application, with a problem."""
        status = _status_of(exc)
        arrived = context.arrived_at.get()
        request_id = context.request_id() or context.begin(None)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("Error handling request", exc_info=exc)
            detail = "The server failed to handle the request."
        else:
            detail = str(exc)[:200]
            _errors.warning(names.REFUSED_EVENT, status=status.value, reason=detail)
        self._answer(
            client,
            status,
            detail,
            request_id=request_id,
            method=names.METHOD_OTHER,
            route=names.ROUTE_UNMATCHED,
            path=req.path if req else "",
            traceparent=dict(req.headers).get("TRACEPARENT", "") if req else "",
            client=addr,
            duration=time.monotonic() - arrived if arrived is not None else 0.0,
        )


def _readable(sock: socket.socket) -> bool:
    try:
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        pass  # the base finds out what is wrong with it
    return True

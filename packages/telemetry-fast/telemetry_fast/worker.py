"""The worker of `telemetry` with less around each request."""

import selectors
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from gunicorn import util
from gunicorn.workers import gthread
from service.gunicorn import answers, worker

from telemetry_fast import environs
from telemetry_fast.requests import Parser, Request
from telemetry_fast.responses import Response


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

    def shutdown(self, *, wait: bool) -> None:  # noqa: ARG002 -- as the base calls it
        """Let each thread end after what it is serving."""
        for _ in range(self._started):
            self._waiting.put(None)

    def _run(self) -> None:
        while (conn := self._waiting.get()) is not None:
            self._serve(conn)


class _Result(NamedTuple):
    """The result of serving a connection, in the form of a future, which the base expects."""

    value: object

    def cancelled(self) -> bool:
        return False

    def exception(self) -> None:
        return None

    def result(self) -> object:
        return self.value


class Worker(worker.Worker):
    """Serves a request's connection without futures, and its bytes without the base's layers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._looked_at = 0.0

    def init_process(self) -> None:
        """Boot; from here on the configuration's attributes are found without a search."""
        self.cfg.__dict__.update({name: one.get() for name, one in self.cfg.settings.items()})
        super().init_process()

    def welcome(self, conn: Any) -> None:
        """Prepare a connection that was accepted."""
        conn.kept_at = 0.0
        conn.common = None
        if not self.cfg.is_ssl and self.cfg.http2_cleartext == "off":
            conn.parser = Parser(self.cfg, conn.sock, conn.client)

    def serve(self, conn: Any) -> None:
        """Let the next free thread serve a connection."""
        conn.is_fresh = conn.initialized and self._is_fresh(conn)
        self.tpool.put(conn)

    def probe(self, conn: Any) -> None:
        """Serve a connection in the probes' own thread."""
        conn.is_fresh = False
        self.probes.submit(self._serve, conn)

    def _is_fresh(self, conn: Any) -> bool:
        """Tell whether a kept connection's request came so lately that the kernel need not say."""
        earliest = conn.sock.sent_at  # it follows an answer
        if conn.kept_at < self._looked_at:  # and the poller had not seen it when it looked before
            earliest = max(earliest, self._looked_at)
        return bool(conn.queued_at - earliest < answers.TICK_SECONDS)

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
        if not self.alive:  # `_cap_keepalive` may have run shortly before the append
            conn.timeout = min(conn.timeout, time.monotonic() + gthread.STOP_KEEPALIVE_LINGER)
        with suppress(ValueError):  # it had to make room already
            self.poller.register(
                conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn)
            )

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in tuple(self.keepalived_conns):  # threads may still append
            conn.timeout = min(conn.timeout, deadline)

    def handle(self, conn: Any) -> Any:
        """Handle a connection in a thread; its waiting time is known now."""
        fresh = conn.is_fresh
        return self.attend(
            conn, conn.queued_at if fresh else answers.arrival(conn.sock, conn.queued_at)
        )

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request whose head is there; say whether its connection may be kept."""
        if not isinstance(req, Request):
            return super().handle_request(req, conn)
        conn.sock.end_head()
        answers.check_address(req)
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
            conn.sock.end_request()
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
        """Close a connection without keeping the poller from others, or leave it to the base."""
        conn.kept_at = time.monotonic()
        super().finish_request(conn, fs)

"""gunicorn's server hooks: slots, providers, the metrics listener, draining, flushing.

Shutdown: SIGTERM marks the service as draining, and it still serves. After the drain time,
gunicorn's master process closes the listener and stops the workers. Each worker finishes its
requests and then flushes its telemetry, within the graceful timeout.
"""

import fcntl
import gc
import os
import signal
import socket
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from telemetry import logs, metrics, multiprocess, names, shared, tracing

from service.gunicorn import listening, scrapes

_log = logs.get_logger("service.gunicorn")

# Tells a new master (SIGUSR2) the descriptors of the metrics listener and of whose turn it is.
_HANDED_ON: Final = "TELEMETRY_METRICS_DESCRIPTORS"
STOPS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Config:
    """The arguments of settings(), which explains them."""

    service: str
    version: str
    host: str
    metrics_port: int | None
    drain_seconds: float
    flush_seconds: float
    max_waiting: int
    patience_seconds: float
    cpu_affinity: bool


class _Server:
    """State that exists once per server, reloads included."""

    config: Config
    metrics_listener: socket.socket | None = None
    metrics_turn: Any = None
    metrics_server: "scrapes.Server | None" = None
    leaving = False


def configure(config: Config) -> None:
    """Take over a configuration, at start and at each reload."""
    _Server.config = config


def is_configured() -> bool:
    """Say whether configure() was called: a further call is a reload's."""
    return hasattr(_Server, "config")


def config() -> Config:
    """Return the configuration of the server that this process belongs to."""
    return _Server.config


def on_starting(_server: Any) -> None:
    """Open the metrics listener in the arbiter, whose life is the server's.

    Raises:
        SystemExit: METRICS_PORT is not available; a line of the log says why.
    """
    tracing.preload()
    port = _Server.config.metrics_port
    if port is None:
        return
    if handed_on := os.environ.pop(_HANDED_ON, ""):
        listener, turn = map(int, handed_on.split(","))
        _Server.metrics_listener = socket.socket(fileno=listener)
        _Server.metrics_turn = os.fdopen(turn, "r+b")
        for descriptor in (listener, turn):
            os.set_inheritable(descriptor, False)
    else:
        try:
            _Server.metrics_listener = listening.metrics_listener(_Server.config.host, port)
        except ValueError as error:
            _log.critical(names.START_REFUSED_EVENT, reason=str(error))
            raise SystemExit(1) from None
        _Server.metrics_turn = tempfile.TemporaryFile(prefix="telemetry-")  # noqa: SIM115
    if multiprocess.enabled():
        serve_metrics()


def pre_exec(server: Any) -> None:
    """Hand the metrics listener on to the new master, which SIGUSR2 starts beside this one."""
    if _Server.metrics_listener is None:
        return
    descriptors = (_Server.metrics_listener.fileno(), _Server.metrics_turn.fileno())
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    server.cfg.env_orig[_HANDED_ON] = ",".join(map(str, descriptors))


def serve_metrics() -> None:
    """Serve the metrics listener, if there is one, once no other process does.

    One at a time does: the worker where there is one, because it has the registry, else the
    arbiter. Its successor waits for its end; meanwhile connections wait in the backlog.
    """
    listener, turn = _Server.metrics_listener, _Server.metrics_turn
    if listener is None:
        return

    def serve_in_turn() -> None:
        fcntl.lockf(turn, fcntl.LOCK_EX)  # released by stop_metrics, or by the kernel at death
        if not _Server.leaving:
            _Server.metrics_server = scrapes.Server(listener)
            _Server.metrics_server.serve_forever(0.1)

    threading.Thread(target=serve_in_turn, daemon=True, name="telemetry-metrics").start()


def when_ready(server: Any) -> None:
    """Delay gunicorn's SIGTERM, which refuses connections at once."""
    immediate = (signal.SIGINT, signal.SIGQUIT)

    def stop(number: int, _frame: object = None) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        server.signal(number, None)

    def drain(_number: int, _frame: object) -> None:
        if shared.is_draining() or _Server.config.drain_seconds <= 0:
            shared.start_draining()
            stop(signal.SIGTERM)
            return
        shared.start_draining()
        # A timer of the kernel's, not a thread: the arbiter may have to fork meanwhile.
        signal.setitimer(signal.ITIMER_REAL, _Server.config.drain_seconds)

    signal.signal(signal.SIGALRM, lambda _number, _frame: stop(signal.SIGTERM))
    signal.signal(signal.SIGTERM, drain)
    for number in immediate:
        signal.signal(number, stop)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the new worker a slot that no living one has, also while a reload overlaps.

    With CPU affinity, also give it the core that the fewest workers have. Threads on different
    cores contend for the GIL: each system call of the running thread hands it over.
    """
    living = server.WORKERS.values()
    worker.slot = multiprocess.free_slot(w.slot for w in living)
    multiprocess.forget_live_values(worker.slot)
    if _Server.config.cpu_affinity and hasattr(os, "sched_getaffinity"):
        taken = Counter(w.core for w in living)
        worker.core = min(sorted(os.sched_getaffinity(0)), key=lambda core: taken[core])
    # Loaded objects stay: no collection visits them again, or copies their pages into each worker.
    gc.collect()
    gc.freeze()


def _leave(_number: int, _frame: object) -> None:
    """End a worker that boots, and has nothing to finish or to send.

    A terminal's Ctrl-C arrives twice, the second time through the arbiter. An exception that is
    raised again while the interpreter shuts down looks like a worker that failed to boot.
    """
    os._exit(0)


def post_fork(server: Any, worker: Any) -> None:
    """Start what must not be forked: the slot's files, the providers and their threads.

    Raises:
        SystemExit: OpenTelemetry cannot start; the arbiter ends too. A line of the log says why.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in STOPS:
        # Until the worker has handlers of its own, the arbiter's inherited ones would swallow
        # these, and a stop during the boot would end in SIGKILL.
        signal.signal(number, _leave)
    _Server.metrics_server = None  # the arbiter's, whose thread did not come along
    multiprocess.take_slot(worker.slot)
    current = _Server.config
    if current.cpu_affinity and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {worker.core})  # and so all threads that it starts
    # The arbiter's patience covers requests and flush: requests get what the flush leaves.
    worker.cfg.set(
        "graceful_timeout", max(1, int(worker.cfg.graceful_timeout - current.flush_seconds))
    )
    try:
        tracing.start(current.service, current.version, str(worker.slot))
    except Exception as error:  # noqa: BLE001 -- whatever it does not like of OTEL_*
        _log.critical(names.START_REFUSED_EVENT, reason=f"OpenTelemetry: {error}")
        raise SystemExit(server.WORKER_BOOT_ERROR) from None


def post_worker_init(_worker: Any) -> None:
    """Serve the metrics listener from the only worker, when its predecessor is done with it."""
    gc.freeze()  # the providers, the worker itself
    metrics.counter(names.LOG_LINES_DROPPED)  # from 0 on
    if not multiprocess.enabled():
        serve_metrics()


def stop_metrics() -> None:
    """Leave the metrics listener to the next worker: two registries must not take turns."""
    _Server.leaving = True
    server, _Server.metrics_server = _Server.metrics_server, None
    if server is not None:
        server.shutdown()
        fcntl.lockf(_Server.metrics_turn, fcntl.LOCK_UN)


def worker_exit(_server: Any, worker: Any) -> None:
    """Flush, last of all that a worker does."""
    if worker.pid != os.getpid():
        return  # gunicorn calls this in the arbiter too, for a worker that is gone
    if not tracing.stop(_Server.config.flush_seconds):
        _log.warning(names.FLUSH_TIMEOUT_EVENT, seconds=_Server.config.flush_seconds)
    if worker.quitting:
        os._exit(0)  # at once: else the interpreter waits for the requests in its threads
    gc.freeze()  # the interpreter's last collections cost half a second of each worker's exit


def on_exit(_server: Any) -> None:
    """End the arbiter without the interpreter's last collections too."""
    gc.freeze()


def child_exit(_server: Any, worker: Any) -> None:
    """Account for a worker's death, in the arbiter."""
    multiprocess.forget_live_values(worker.slot)
    if worker.aborted:
        shared.count_worker_timeout()
        _log.error(names.WORKER_TIMEOUT_EVENT, pid=worker.pid)


ALL = (
    on_starting,
    when_ready,
    pre_fork,
    pre_exec,
    post_fork,
    post_worker_init,
    worker_exit,
    child_exit,
    on_exit,
)

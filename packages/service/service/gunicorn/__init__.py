"""A service's gunicorn.conf.py: ``globals().update(service.gunicorn.settings(...))``."""

import os
import tempfile
from typing import Any

from telemetry import accelerator, exemplars, exposition, logs, multiprocess, names

from service import proxies
from service.gunicorn import hooks, listening

__all__ = ["settings"]

_log = logs.get_logger("service.gunicorn")

# Seconds of graceful_seconds kept for flushing telemetry after the last request.
_FLUSH_SHARE = 0.25
# By these, a master that is replaced (SIGUSR2) and systemd hand open listeners on.
_HANDED_ON = frozenset(("GUNICORN_FD", "LISTEN_FDS"))


def _heartbeat_directory() -> str | None:
    """Return a folder in memory, so that no heartbeat waits for a disk.

    None where there is none, as on macOS: gunicorn then takes the system's temporary folder.
    """
    memory = "/dev/shm"  # noqa: S108 -- its files are gunicorn's, unlinked at once
    return memory if os.access(memory, os.W_OK) else None


def _check_temporary_folder() -> None:
    """Check that there is a folder for temporary files.

    Raises:
        ValueError: There is none; the message names TMPDIR.
    """
    try:
        tempfile.gettempdir()
    except OSError:
        raise ValueError(
            f"TMPDIR={os.environ.get('TMPDIR', '')}: neither it nor /tmp can be written to (mount a"
            " folder there, or set TMPDIR to one)"
        ) from None


def settings(
    *,
    service: str,
    bind_port: int,
    workers: int,
    threads: int,
    metrics_port: int | None,
    drain_seconds: float,
    graceful_seconds: int,
    max_waiting: int,
    app: str,
    version: str = "unknown",
    host: str = "0.0.0.0",  # noqa: S104 -- a container's only address
    timeout_seconds: int = 30,
    patience_seconds: float = 10.0,
    trusted_proxies: str = "127.0.0.1,::1",
    tail_sampling: bool = False,
    cpu_affinity: bool = False,
) -> dict[str, Any]:
    """Return gunicorn's settings, hooks included; also sets logging up, and the metrics' mode.

    gunicorn reads its configuration again at a reload; what exists once per server stays.

    Args:
        service: Name of the service.
        bind_port: Port of the service.
        workers: Worker processes; more than one switches to the multiprocess mode.
        threads: Threads of each worker.
        metrics_port: Port of a listener for /metrics alone, if any.
        drain_seconds: How long requests are still taken after SIGTERM.
        graceful_seconds: How long requests in flight and telemetry's flush may take after that.
        max_waiting: Requests of one worker that may wait for a thread; further ones get 503.
        app: WSGI application, as ``package.wsgi:application``.
        version: Version of the service.
        host: Address to listen on: an IP address of this machine, or ``localhost``.
        timeout_seconds: A worker silent for so long is killed.
        patience_seconds: Longest wait for a client: for its first byte, for a whole head, for each
            part of a body, and for each write.
        trusted_proxies: IP addresses and networks, separated by commas, whose X-Forwarded-* and
            X-Request-Start are believed; ``*`` for everybody.
        tail_sampling: Whether the Collector keeps only errors and slow traces: exemplars are then
            attached only to those.
        cpu_affinity: Whether each worker stays on one processor core, the workers on different
            ones while there are enough: for cores that the service has to itself. Linux only:
            elsewhere the workers share all cores.

    Raises:
        SystemExit: HOST, PORT or METRICS_PORT cannot be listened on, an OTEL_* is wrong, or there
            is no folder for temporary files; a line of the log says why.
    """
    logs.configure_logging(service)
    listens = hooks.is_configured() or not _HANDED_ON.isdisjoint(os.environ)
    heartbeats = _heartbeat_directory()
    try:
        host = listening.listening_host(host)
        listening.check_port("PORT", host, bind_port, is_ours=listens)
        if metrics_port is not None:
            listening.check_port("METRICS_PORT", host, metrics_port, is_ours=listens)
        if workers > 1 or metrics_port is not None or heartbeats is None:
            _check_temporary_folder()
        believed = proxies.trust(trusted_proxies)
    except ValueError as error:
        _log.critical(names.START_REFUSED_EVENT, reason=str(error))
        raise SystemExit(1) from None
    exemplars.keep(only_what_tail_sampling_keeps=tail_sampling)
    exposition.identify(service, version)
    if workers > 1:
        multiprocess.enable()
    hooks.configure(
        hooks.Config(
            service=service,
            version=version,
            host=host,
            metrics_port=metrics_port,
            drain_seconds=drain_seconds,
            flush_seconds=max(0.5, graceful_seconds * _FLUSH_SHARE),
            max_waiting=max_waiting,
            patience_seconds=patience_seconds,
            cpu_affinity=cpu_affinity,
        )
    )
    fast = accelerator.load()
    return {
        "bind": [listening.netloc(host, bind_port)],
        "wsgi_app": app,
        "proc_name": service,
        "workers": workers,
        "threads": threads,
        "worker_connections": listening.most_connections(),
        "worker_class": fast.WORKER if fast else "service.gunicorn.worker.Worker",
        "logger_class": "service.gunicorn.logger.Logger",
        "loglevel": logs.level(),
        "accesslog": None,
        "preload_app": True,
        "sendfile": False,  # it writes past the socket's bounded sendall
        "control_socket_disable": True,
        "timeout": timeout_seconds,
        "graceful_timeout": graceful_seconds,
        # Above the 60 s after which the usual load balancers close an idle connection.
        "keepalive": 65,
        "forwarded_allow_ips": believed,
        # gunicorn's default lets a trusted proxy, and whoever it passes this header on for, choose
        # another path than the one in the request line: SCRIPT_NAME.
        "forwarder_headers": "",
        "worker_tmp_dir": heartbeats,
        **{hook.__name__: hook for hook in hooks.ALL},
    }

"""Checks the listening address, and the number of possible connections, before the server starts.

gunicorn itself tries a wrong address five times and does not name the setting.
"""

import os
import resource
import socket
from typing import Final

_LOCALHOST: Final = "localhost"
# gunicorn's own default.
_MOST_CONNECTIONS: Final = 1000


def listening_host(host: str) -> str:
    """Return HOST as sockets take it: an IPv6 address without its brackets.

    HOST is an IP address or ``localhost``. Other names are refused, also those of this machine:
    conda, csh and zsh set HOST to a name that nobody chose to listen on.

    Raises:
        ValueError: This machine has no such address; the message names HOST.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    # A machine may have IPv6 alone, and its name for itself then means that.
    for each in ("127.0.0.1", "::1") if bare == _LOCALHOST else (bare,):
        try:
            _bind(each, 0)
        except OSError:
            continue
        return each
    raise ValueError(
        f"HOST={host}: not an IP address of this machine (your shell may have set HOST:"
        " unset it, or set 127.0.0.1, ::1, 0.0.0.0 or ::)"
    )


def check_port(name: str, host: str, port: int, *, is_ours: bool = False) -> None:
    """Check that this process may listen on a port.

    Args:
        name: Name of the setting, for the message.
        host: Address, as listening_host() returns it.
        port: Port.
        is_ours: Whether this server listens already: at a reload, or where another process hands
            its listener on.

    Raises:
        ValueError: The system does not allow the port, or it is taken; the message names the
            setting.
    """
    try:
        _bind(host, port)
    except PermissionError:
        raise ValueError(
            f"{name}={port}: permission denied (choose a port from 1024 to 65535)"
        ) from None
    except OSError as error:
        if not is_ours:
            raise ValueError(f"{name}={port}: {_reason(error)} (choose another port)") from None


def most_connections() -> int:
    """Return how many connections a worker has room for: half of its file descriptors, or 1000.

    The other half is for what it opens itself: databases, exporters, files.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, descriptors // 2)


def netloc(host: str, port: int) -> str:
    """Return host and port as gunicorn's ``bind`` takes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def metrics_listener(host: str, port: int) -> socket.socket:
    """Return a listener on METRICS_PORT.

    Raises:
        ValueError: The port is not available; the message names METRICS_PORT.
    """
    try:
        return socket.create_server(
            (host, port),
            family=_family(host),
            backlog=16,
            reuse_port=False,
            # `::` takes IPv4 connections too, as gunicorn's own listener does.
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise ValueError(
            f"METRICS_PORT={port}: {_reason(error)} (choose another port, or unset METRICS_PORT)"
        ) from None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _bind(host: str, port: int) -> None:
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        # As gunicorn's own listener: connections in TIME_WAIT do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _family(host: str) -> socket.AddressFamily:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        socket.inet_pton(socket.AF_INET6, host)
        return socket.AF_INET6
    return socket.AF_INET

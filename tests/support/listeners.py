"""Processes by the port that they listen on."""

import psutil


def on(port: int) -> psutil.Process:
    """Return the process that this process started and that listens on a TCP port.

    Raises:
        LookupError: There is none.
    """
    for child in psutil.Process().children(recursive=True):
        listening = [c for c in child.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        if port in [c.laddr.port for c in listening]:
            return child
    raise LookupError(f"no process listens on port {port}")

"""The real PgBouncer, in transaction mode before a server of the tests."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stack.postgresql import Server

from tests.service import DEADLINE_SECONDS, free_port

_CONFIGURATION = """\
[databases]
* = host={host} port={server_port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
; docs/how-to/connect-to-postgresql.md: by default both are 15 s
server_login_retry = 1
server_connect_timeout = 3
ignore_startup_parameters = {ignored}
"""

# Starts PgBouncer again if it ends, as an init system does. Before 1.20, a cancel request whose
# client leaves first can end PgBouncer (github.com/pgbouncer/pgbouncer/issues/801).
_KEPT = 'while :; do "$0" "$1"; sleep 0.2; done'


@contextmanager
def pgbouncer(server: Server, *ignored: str) -> Iterator[str]:
    """Run PgBouncer before a server; yield its URL, without a database.

    Args:
        server: Where its connections go.
        ignored: Start-up parameters that it accepts and drops.
    """
    # Debian has it where only root's PATH leads.
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("pgbouncer is missing: install Debian's package (make packages)")
    to = urlsplit(server.url)
    port = free_port()
    configuration = server.folder / f"pgbouncer-{port}.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=to.hostname,
            server_port=to.port,
            user=to.username,
            password=to.password,
            port=port,
            ignored=",".join(ignored),
        )
    )
    configuration.chmod(0o644)
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None  # it refuses root
    log = Path(f"{configuration}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _KEPT, program, str(configuration)],
            user=user,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_port(port, log)
        yield f"postgresql://{to.username}@127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(DEADLINE_SECONDS)
        for end in re.findall(r".* FATAL .*", log.read_text()):
            print(f"\nPgBouncer ended, and was started again: {end}")


def wait_for_port(port: int, log: Path) -> None:
    """Return once somebody listens."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(log.read_text())

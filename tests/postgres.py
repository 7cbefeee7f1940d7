"""A PostgreSQL server for tests: the one given, or a throw-away one that is started here."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.service import free_port

GIVEN = "PORTS_TEST_POSTGRES_URL"
HOW_TO_INSTALL = "install PostgreSQL's server (Debian: apt-get install postgresql)"
HOW_TO_GET = f"{HOW_TO_INSTALL} or set {GIVEN}"


def programs() -> Path | None:
    """Return the folder of the server's programs, or None where they are not installed."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def new_database(server: str, name: str) -> str:
    """Create an empty database on the server, in place of any of that name; return its URL.

    Each process of the tests has its own, on whatever server.
    """
    name += os.environ.get("PYTEST_XDIST_WORKER", "")
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} ENCODING 'UTF8'"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@dataclass
class Server:
    """A throw-away server, which a test may stop and start again."""

    url: str
    control: list[str]
    user: pwd.struct_passwd
    folder: Path

    def start(self) -> None:
        """Start it, and wait until it answers."""
        _run([*self.control, "-l", f"{self.folder}/log", "start"], self.user, self.folder)

    def stop(self) -> None:
        """Stop it at once, its connections with it."""
        _run([*self.control, "-m", "immediate", "stop"], self.user, self.folder)


@contextmanager
def cluster(programs: Path) -> Iterator[Server]:
    """Start a server and yield it; stop it and remove it at the end, running or not."""
    # PostgreSQL refuses to run as root, so then it runs as somebody else, who owns the folder.
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    # Not pytest's temporary folder: nobody but its owner may enter that.
    with tempfile.TemporaryDirectory(prefix="ports-postgres-") as name:
        os.chown(name, user.pw_uid, user.pw_gid)
        folder = Path(name)
        initdb = [f"{programs}/initdb", "-D", f"{name}/data", "-U", "ports", "-A", "trust"]
        _run([*initdb, "-E", "UTF8"], user, folder)
        port = free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        )
        control = [f"{programs}/pg_ctl", "-D", f"{name}/data", "-w", "-o", options]
        server = Server(f"postgresql://ports@127.0.0.1:{port}/postgres", control, user, folder)
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()


def _run(command: list[str], user: pwd.struct_passwd, folder: Path) -> None:
    other = user.pw_uid != os.getuid()
    result = subprocess.run(
        command,
        user=user.pw_uid if other else None,
        group=user.pw_gid if other else None,
        extra_groups=[] if other else None,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed: {result.stderr}{result.stdout}")

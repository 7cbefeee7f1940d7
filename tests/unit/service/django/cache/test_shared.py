"""Shared reads over Django's cache in memory: a stand-in for the server, which fails on demand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from prometheus_client import REGISTRY
from redis import exceptions
from service.django.cache.reads import MAX_CACHED_BYTES, Codec
from service.django.cache.serializer import Bytes
from service.django.cache.shared import SharedReads
from service.django.postgresql.breaker import RETRY_SECONDS
from structlog.testing import capture_logs
from telemetry import names

from tests.unit.service.django.conftest import Clock

TEXT: Codec[str] = Codec(str.encode, bytes.decode)
NUMBER: Codec[int] = Codec(lambda number: b"%d" % number, int)


class Server(LocMemCache):
    """Raises what the test sets, at the commands that the test sets."""

    error: Exception | None = None
    commands: frozenset[str] = frozenset({"get_many", "set", "add", "delete"})

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        self._fail("get_many")
        return super().get_many(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        self._fail("set")
        return super().set(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        self._fail("add")
        return super().add(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        self._fail("delete")
        return super().delete(*args, **kwargs)

    def _fail(self, command: str) -> None:
        if self.error is not None and command in self.commands:
            raise self.error


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server("shared reads", {"TIMEOUT": 60})
    yield server
    server.clear()


def failures(reason: str) -> float:
    return REGISTRY.get_sample_value(names.CACHE_FAILURES, {names.ERROR_TYPE: reason}) or 0.0


def bypassed() -> float | None:
    return REGISTRY.get_sample_value(names.CACHE_BYPASSED)


def loads(*values: str) -> Callable[[], str]:
    return iter(values).__next__


def test_a_value_is_loaded_once_until_a_write_of_either_process(server: Server) -> None:
    one, other = SharedReads(server), SharedReads(server)
    load = loads("old", "new")
    assert [each.read("key", load, TEXT) for each in (one, other, one)] == ["old"] * 3
    other.invalidate()
    assert [each.read("key", load, TEXT) for each in (one, other, one)] == ["new"] * 3


def test_a_value_under_another_generation_does_not_count(server: Server) -> None:
    reads = SharedReads(server)

    def slow() -> str:
        SharedReads(server).invalidate()
        assert reads.read("key", loads("new"), TEXT) == "new"
        return "old"

    assert reads.read("key", slow, TEXT) == "old"
    assert reads.read("key", loads("newest"), TEXT) == "newest"
    assert reads.read("key", loads(), TEXT) == "newest"


def test_another_process_may_begin_the_generation_first(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = SharedReads(server)
    monkeypatch.setattr(server, "add", lambda *_, **__: False)
    assert reads.read("key", loads("a"), TEXT) == "a"
    assert server.get("key") is None


def test_a_long_value_is_not_kept(server: Server) -> None:
    reads = SharedReads(server)
    value = "x" * (MAX_CACHED_BYTES + 1)
    assert [reads.read("key", loads(value), TEXT) for _ in range(2)] == [value] * 2


@pytest.mark.parametrize(
    ("error", "reason", "is_bypassed"),
    [
        (exceptions.ConnectionError(), "connection", True),
        (exceptions.AuthenticationError(), "connection", True),
        (exceptions.TimeoutError(), "timeout", True),
        (ValueError("an answer of another protocol"), "connection", True),
        (exceptions.OutOfMemoryError(), "full", False),
        (exceptions.ReadOnlyError(), "refused", False),
    ],
)
def test_a_failure_is_counted_once_a_second_and_told_once(
    server: Server, clock: Clock, error: Exception, reason: str, is_bypassed: bool
) -> None:
    reads = SharedReads(server)
    assert reads.read("key", loads("a"), TEXT) == "a"
    before = failures(reason)
    server.error = error
    with capture_logs() as logs:
        assert [reads.read("key", loads("b"), TEXT) for _ in range(3)] == ["b"] * 3
        assert failures(reason) - before == (1 if is_bypassed else 3)
        assert bypassed() == is_bypassed
        clock.now += RETRY_SECONDS
        reads.read("key", loads("b"), TEXT)
    assert logs == [{"event": names.CACHE_EVENT, "log_level": "warning", "reason": reason}]
    clock.now += RETRY_SECONDS
    server.error = None
    assert reads.read("key", loads(), TEXT) == "a"
    assert bypassed() == 0


def test_a_write_that_the_server_missed_is_told_before_the_next_read(
    server: Server, clock: Clock
) -> None:
    one, other = SharedReads(server), SharedReads(server)
    assert one.read("key", loads("old"), TEXT) == "old"
    server.error = exceptions.ReadOnlyError()
    one.invalidate()
    assert one.read("key", loads("new"), TEXT) == "new"
    assert bypassed() == 1
    server.commands = frozenset({"delete"})
    assert one.read("key", loads("new"), TEXT) == "new"
    assert other.read("key", loads(), TEXT) == "old"
    server.error = None
    assert one.read("key", loads("new"), TEXT) == "new"
    assert other.read("key", loads(), TEXT) == "new"
    assert bypassed() == 0
    assert clock.now


def test_garbage_is_loaded_past(server: Server) -> None:
    reads = SharedReads(server)
    assert reads.read("key", loads("1"), TEXT) == "1"
    generation = server.get("generation")
    before = failures("invalid")
    server.set("key", generation + b"no number")
    assert reads.read("key", lambda: 2, NUMBER) == 2
    assert failures("invalid") == before + 1
    server.set("generation", b"")
    assert [reads.read("key", lambda: 3, NUMBER) for _ in range(2)] == [3, 3]
    assert failures("invalid") == before + 2
    assert reads.read("key", lambda: 4, NUMBER) == 3


def test_the_serializer_takes_bytes_and_no_object() -> None:
    assert Bytes().loads(Bytes().dumps(b"a")) == b"a"
    with pytest.raises(TypeError, match="tuple: a shared cache takes bytes only"):
        Bytes().dumps(("a",))

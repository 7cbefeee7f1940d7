"""When the replica may be read: a stand-in for both servers gives positions."""

import time
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY
from service.django.postgresql import replica as module
from service.django.postgresql.replica import Replica
from service.django.postgresql.settings import REPLICA
from telemetry import names

LAG_SECONDS = 0.5


class Away(Exception): ...


class Servers:
    primary: int | None = 10
    replica: int | None = 10

    def __call__(self, alias: str) -> int | None:
        return self.replica if alias == REPLICA else self.primary


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)
    return Servers()


def fallbacks(reason: str) -> float:
    labels = {names.ERROR_TYPE: reason}
    return REGISTRY.get_sample_value(names.REPLICA_FALLBACKS, labels) or 0.0


def soon(question: Callable[[], bool], answer: bool) -> bool:
    """Tell whether a question comes to have this answer."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if question() is answer:
            return True
        time.sleep(0.005)
    return False


def test_a_replica_is_read_once_it_is_known_to_be_fresh(servers: Servers) -> None:
    servers.replica = 9
    replica = Replica(LAG_SECONDS, Away, servers)
    before = fallbacks("not_fresh")
    assert replica.is_fresh() is False
    assert fallbacks("not_fresh") == before + 1
    servers.replica = 10
    assert soon(replica.is_fresh, True)


@pytest.mark.parametrize("answered", [True, False])
def test_a_write_is_read_from_the_primary_until_the_replica_has_it(
    servers: Servers, answered: bool
) -> None:
    replica = Replica(LAG_SECONDS, Away, servers)
    assert soon(replica.is_fresh, True)
    servers.primary = 11
    replica.wrote(answered=answered)
    end = time.monotonic() + LAG_SECONDS / 2
    while time.monotonic() < end:
        assert replica.is_fresh() is False
        time.sleep(0.005)
    servers.replica = 11
    assert soon(replica.is_fresh, True)


def test_a_replica_is_read_while_it_is_a_little_late(servers: Servers) -> None:
    replica = Replica(LAG_SECONDS, Away, servers)
    assert soon(replica.is_fresh, True)
    servers.primary = 11
    began = time.monotonic()
    assert soon(replica.is_fresh, False)
    assert time.monotonic() - began > LAG_SECONDS / 2
    servers.replica = 12
    assert soon(replica.is_fresh, True)


@pytest.mark.parametrize("primary", [10, None])
def test_a_replica_without_a_position_is_not_read(servers: Servers, primary: int | None) -> None:
    replica = Replica(LAG_SECONDS, Away, servers)
    assert soon(replica.is_fresh, True)
    servers.primary, servers.replica = primary, None
    assert soon(replica.is_fresh, False)


def test_without_the_primary_a_late_replica_is_read(servers: Servers) -> None:
    replica = Replica(LAG_SECONDS, Away, servers)
    servers.primary = 11
    assert replica.is_fresh() is False
    servers.primary = None
    assert soon(replica.is_fresh, True)
    replica.wrote(answered=False)
    assert replica.is_fresh() is True
    replica.wrote(answered=True)  # it is back
    assert replica.is_fresh() is False
    servers.primary = 12
    assert soon(replica.is_fresh, False)


def test_a_read_that_fails_is_counted() -> None:
    before = fallbacks("away")
    Replica(LAG_SECONDS, Away, Servers()).failed()
    assert fallbacks("away") == before + 1


def test_a_process_that_did_not_ask_for_a_while_does_not_know(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(LAG_SECONDS, Away, servers)
    assert soon(replica.is_fresh, True)
    monkeypatch.setattr(module, "CHECK_SECONDS", 60)  # from the next check on
    assert soon(replica.is_fresh, False)

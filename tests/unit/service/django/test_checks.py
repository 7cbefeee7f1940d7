import pytest
from django.test import override_settings
from service.django import checks
from service.django.cache.settings import CacheEnvironment
from service.django.postgresql.settings import DatabaseEnvironment
from service.environment import ServerEnvironment, prefixed


class Environment(ServerEnvironment, alias_generator=prefixed("HARBOUR_")):
    """A service's."""


def test_each_wrong_setting_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "METRICS_PORT": "8080",
        "HARBOUR_CPU_AFFINITY": "true",
        "HARBOUR_MAX_WAITING": "0",
        "HARBOUR_THREADZ": "4",
        "HARBOUR_XYZZY": "4",
    }
    monkeypatch.delattr("os.sched_setaffinity", raising=False)
    with override_settings(ENVIRONMENT=Environment.read(given)):
        found = checks.environment(None)
    assert [(message.id, message.msg, message.hint) for message in found] == [
        (
            "service.E001",
            "HARBOUR_MAX_WAITING=0: must be a whole number between 1 and 10000",
            "Requests per worker that may wait for a thread. Further requests get 503.",
        ),
        (
            "service.E002",
            "METRICS_PORT=8080: must differ from PORT",
            "Choose another port.",
        ),
        (
            "service.E002",
            "HARBOUR_CPU_AFFINITY=true: this system cannot bind a process to a core",
            "Unset it, or use Linux.",
        ),
        ("service.E003", "HARBOUR_THREADZ: unknown setting", "Did you mean HARBOUR_THREADS?"),
        ("service.E003", "HARBOUR_XYZZY: unknown setting", "Unset it."),
    ]


def test_a_right_environment_has_nothing_to_report() -> None:
    with override_settings(ENVIRONMENT=Environment.read({})):
        assert checks.environment(None) == []


class WithStore(CacheEnvironment, DatabaseEnvironment, alias_generator=prefixed("HARBOUR_")):
    """A service's with a store and a cache."""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"HARBOUR_STORE_URL": "memory://"}, ["HARBOUR_REPLICA_URL: the store in memory"]),
        ({}, []),
        (
            {"HARBOUR_CACHE_URL": "redis://h"},
            ["HARBOUR_REPLICA_URL, HARBOUR_CACHE_URL: set one of them"],
        ),
    ],
)
def test_a_replica_needs_a_database_and_no_shared_cache(
    given: dict[str, str], told: list[str]
) -> None:
    url = "postgresql://h/d"
    environ = {"HARBOUR_STORE_URL": url, "HARBOUR_REPLICA_URL": url, **given}
    with override_settings(ENVIRONMENT=WithStore.read(environ)):
        found = checks.environment(None)
    assert [message.id for message in found] == ["service.E002"] * len(told)
    assert all(m.msg.startswith(t) for m, t in zip(found, told, strict=True))

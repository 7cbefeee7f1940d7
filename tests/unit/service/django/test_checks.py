import pytest
from django.test import override_settings
from service.django import checks
from service.environment import ServerEnvironment, prefixed


class Environment(ServerEnvironment, alias_generator=prefixed("HARBOUR_")):
    """A service's."""


def test_what_is_wrong_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
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
            "HARBOUR_MAX_WAITING: Input should be greater than or equal to 1",
            "Requests per worker that may wait for a thread; more get 503.",
        ),
        ("service.E002", "METRICS_PORT is PORT", "Choose another port."),
        (
            "service.E002",
            "HARBOUR_CPU_AFFINITY: this system keeps no process to a core",
            "Unset it: only Linux can.",
        ),
        ("service.E003", "HARBOUR_THREADZ: no such setting", "Is HARBOUR_THREADS meant?"),
        ("service.E003", "HARBOUR_XYZZY: no such setting", "Unset it."),
    ]


def test_a_right_environment_has_nothing_to_report() -> None:
    with override_settings(ENVIRONMENT=Environment.read({})):
        assert checks.environment(None) == []

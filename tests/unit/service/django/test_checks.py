import pytest
from django.test import override_settings
from service.django import checks
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

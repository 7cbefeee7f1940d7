from pathlib import Path

import pytest
from seaports import checks, settings
from seaports.settings import Environment, database, read_environment


def test_nothing_given_means_the_defaults() -> None:
    assert read_environment({}) == (Environment.model_validate({}), {})
    assert read_environment({"PORT": "", "UNRELATED": "x"}) == (Environment.model_validate({}), {})


def test_what_is_given_counts() -> None:
    environment, wrong = read_environment(
        {"PORT": "9090", "PORTS_DATA_FILE": "x.json", "PORTS_STORE_URL": "postgresql://u:p@h/d"}
    )
    assert wrong == {}
    assert (9090, Path("x.json")) == (environment.PORT, environment.PORTS_DATA_FILE)
    assert environment.PORTS_STORE_URL.get_secret_value() == "postgresql://u:p@h/d"


def test_every_wrong_value_is_named_and_replaced_and_none_is_repeated() -> None:
    environment, wrong = read_environment(
        {
            "PORT": "99999",
            "PORTS_STORE_URL": "postgresql://u:hunter2@h/d?x=%",
            "PORTS_WRITE_TOKEN": "hunter2",
            "PORTS_THREADS": "2",
        }
    )
    assert set(wrong) == {"PORT", "PORTS_STORE_URL", "PORTS_WRITE_TOKEN"}
    assert "hunter2" not in str(wrong)
    assert environment == Environment.model_validate({"PORTS_THREADS": "2"})


def test_secrets_are_not_shown() -> None:
    environment, _ = read_environment(
        {"PORTS_STORE_URL": "postgresql://u:hunter2@h/d", "PORTS_WRITE_TOKEN": "hunter2" * 3}
    )
    assert "hunter2" not in repr(environment)


def test_a_connection_url_becomes_djangos_settings() -> None:
    made = database("postgresql://user:pass%20word@host:5433/name?sslmode=require")
    assert {key: made[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "name",
        "USER": "user",
        "PASSWORD": "pass word",
        "HOST": "host",
        "PORT": "5433",
    }
    options = made["OPTIONS"]
    assert isinstance(options, dict)
    assert options["sslmode"] == "require"
    assert options["options"] == "-c statement_timeout=5000 -c lock_timeout=2500"


def test_what_does_not_go_together_is_an_error_with_a_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together, _ = read_environment(
        {"METRICS_PORT": "8080", "PORTS_WRITE_TOKEN": "x" * 16, "PORTS_CPU_AFFINITY": "true"}
    )
    monkeypatch.delattr("os.sched_setaffinity", raising=False)
    monkeypatch.setattr(settings, "ENVIRONMENT", together)
    monkeypatch.setattr(settings, "WRONG", {"PORT": "is wrong"})
    monkeypatch.setattr(settings, "UNKNOWN", ["PORTS_THREADZ", "PORTS_XYZZY"])
    assert [(message.id, message.msg, message.hint) for message in checks.environment(None)] == [
        ("ports.E001", "PORT: is wrong", "Port to listen on."),
        ("ports.E002", "METRICS_PORT is PORT", "Choose another port."),
        (
            "ports.E002",
            "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP",
            "Unset it, or set PORTS_STORE_URL to a postgresql:// URL.",
        ),
        (
            "ports.E002",
            "PORTS_CPU_AFFINITY: this system keeps no process to a core",
            "Unset it: only Linux can.",
        ),
        ("ports.W001", "PORTS_THREADZ: no such setting", "Is PORTS_THREADS meant?"),
        ("ports.W001", "PORTS_XYZZY: no such setting", "Unset it."),
    ]


def test_a_right_configuration_has_nothing_to_report() -> None:
    assert checks.environment(None) == []

from pathlib import Path

import pytest
from seaports import apps, settings
from seaports.settings import Environment


def test_nothing_given_means_the_defaults() -> None:
    assert Environment.read({}) == Environment.model_validate({})
    assert Environment.read({"PORT": "", "UNRELATED": "x"}) == Environment.model_validate({})


def test_given_settings_override_the_defaults() -> None:
    environment = Environment.read(
        {"PORT": "9090", "PORTS_DATA_FILE": "x.json", "PORTS_STORE_URL": "postgresql://u:p@h/d"}
    )
    assert environment.wrong == {}
    assert (9090, Path("x.json")) == (environment.PORT, environment.PORTS_DATA_FILE)
    assert environment.STORE_URL.get_secret_value() == "postgresql://u:p@h/d"


def test_every_invalid_value_is_reported_and_no_secret_is_shown() -> None:
    environment = Environment.read(
        {
            "PORT": "99999",
            "PORTS_STORE_URL": "postgresql://u:hunter2@h/d?x=%",
            "PORTS_WRITE_TOKEN": "hunter2",
            "PORTS_CACHE_URL": "redis://:hunter2@h/name",
            "PORTS_THREADS": "2",
        }
    )
    assert set(environment.wrong) == {
        "PORT",
        "PORTS_STORE_URL",
        "PORTS_WRITE_TOKEN",
        "PORTS_CACHE_URL",
    }
    assert "hunter2" not in str(environment.wrong)
    assert environment.wrong["PORT"] == "PORT=99999: must be a whole number between 1 and 65535"
    assert "PORTS_WRITE_TOKEN: must have at least 16 characters" in environment.wrong.values()
    right = Environment.model_validate({"PORTS_THREADS": "2"})
    assert environment.model_dump() == right.model_dump()


POSTGRESQL = "postgresql://u:p@h"
# Values that settings without a range accept and refuse.
EXAMPLES = {
    "HOST": (["::1", "localhost"], []),  # whether this machine has it, its start finds out
    "PORTS_TRUSTED_PROXIES": (
        ["*", "10.0.0.1", "10.0.0.0/8, fd00::/8", "127.0.0.1,::1"],
        ["foo", "10.0.0.1,", "10.0.0.1/8", "10.0.0.256", "10.0.0.1 10.0.0.2"],
    ),
    "PORTS_STORE_URL": (
        [
            "memory://",
            f"{POSTGRESQL}/d",
            f"{POSTGRESQL}:5433/d?sslmode=verify-full&connect_timeout=1",
            "postgres://a:1,b:2/d",
        ],
        [
            "postgres://h:notaport/d",
            f"{POSTGRESQL}:0/d",
            f"{POSTGRESQL}:65536/d",
            "postgres://a:1,b:x/d",
            f"{POSTGRESQL}/d?sslmode=perhaps",
            f"{POSTGRESQL}/d?connect_timeout=soon",
            f"{POSTGRESQL}/d?nonsense=1",
            "mysql://h/d",
            "ports.json",
        ],
    ),
    "PORTS_REPLICA_URL": (
        [f"{POSTGRESQL}/d", "postgres://a:1,b:2/d"],
        ["memory://", f"{POSTGRESQL}:0/d", "replica", f"{POSTGRESQL}/d?sslmode=perhaps"],
    ),
    "PORTS_CACHE_URL": (
        [
            "redis://h",
            "redis://:p@h:6379/0",
            "rediss://u:p%2C;@[::1]:6380/15",
            f"rediss://h?ssl_ca_certs={__file__}",
        ],
        [
            "h:6379",
            "unix:///run/redis.sock",
            "redis://",
            "redis://h:0",
            "redis://h:65536",
            "redis://h:x",
            "redis://h/name",
            "redis://h?socket_timeout=60",
            f"redis://h?ssl_ca_certs={__file__}",
            "rediss://h?ssl_ca_certs=/no/such/file",
            "rediss://h?ssl_cert_reqs=none",
        ],
    ),
    "PORTS_ALLOWED_ORIGINS": (
        ["https://portal.example.com", "http://localhost:3000, https://a.b"],
        ["*", "null", "portal.example.com", "https://a.b/", "https://a.b/c", "https://a.b,"],
    ),
    "PORTS_REPOSITORY_URL": (
        ["https://example.com/a", "http://localhost:3000"],
        ["example.com/a", "ftp://example.com", "https://a b"],
    ),
    "PORTS_DATA_FILE": (["a.json"], []),  # its start opens it
    "PORTS_FAULTS_FILE": (["fault.json"], []),  # it may come later
}


def range_of(name: str) -> tuple[list[str], list[str]]:
    """Return values that CONFIGURATION.md allows for a setting, and values that it does not."""
    page = (settings.SERVICE_FOLDER / "CONFIGURATION.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    allowed = row.split(" | ")[2].strip()
    if allowed == "true, false":
        return ["true", "false"], ["perhaps", "2"]
    if allowed.endswith(" characters"):
        least, most = map(int, allowed.removesuffix(" characters").split(" to "))
        return ["x" * least, "x" * most], ["x" * (least - 1), "x" * (most + 1)]
    low, high = allowed.split(" to ")
    is_whole = Environment.variables()[name].annotation is not float
    step = 1 if is_whole else 0.001
    outside = [str(float(low) - step), str(float(high) + step), "many", "nan", "inf", "-inf"]
    if is_whole:
        outside = [text.removesuffix(".0") for text in outside] + [f"{low}.5"]
    return [low, high], outside


@pytest.mark.parametrize("name", Environment.variables())
def test_accepted_values_match_the_page_of_settings(name: str) -> None:
    accepted, refused = EXAMPLES.get(name) or range_of(name)
    for value in accepted:
        assert Environment.read({name: value}).wrong == {}, value
    for value in refused:
        assert list(Environment.read({name: value}).wrong) == [name], value


@pytest.mark.parametrize(
    "token", ["two words are none", "a-colon:is-not-one", "equals=in-the-middle", "ä" * 16]
)
def test_a_token_that_no_client_can_send_is_refused(token: str) -> None:
    assert "PORTS_WRITE_TOKEN" in Environment.read({"PORTS_WRITE_TOKEN": token}).wrong
    assert Environment.read({"PORTS_WRITE_TOKEN": "A-Za.z0_9~+/-abc=="}).wrong == {}


def test_a_limit_is_at_least_a_millisecond_of_postgresql() -> None:
    least = range_of("PORTS_STATEMENT_SECONDS")[0][0]
    assert float(least) * 500 >= 1, "0 ms would be no limit"


def test_secrets_are_not_shown() -> None:
    environment = Environment.read(
        {
            "PORTS_STORE_URL": "postgresql://u:hunter2@h/d",
            "PORTS_WRITE_TOKEN": "hunter2" * 3,
            "PORTS_CACHE_URL": "redis://:hunter2@h",
        }
    )
    assert "hunter2" not in repr(environment)


def test_the_memory_store_has_no_database() -> None:
    assert Environment.read({}).databases("ports") == {}


def test_a_replica_is_a_second_database() -> None:
    given = {"PORTS_STORE_URL": f"{POSTGRESQL}/d", "PORTS_REPLICA_URL": "postgresql://r/d"}
    made = Environment.read(given).databases("ports")
    assert {alias: each["HOST"] for alias, each in made.items()} == {"default": "h", "replica": "r"}


def test_a_connection_url_becomes_djangos_settings() -> None:
    url = "postgresql://user:pass%20word@host:5433/name?sslmode=require"
    made = Environment.read({"PORTS_STORE_URL": url}).databases("ports")["default"]
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
    assert options["statement_seconds"] == 5
    assert "options" not in options  # poolers refuse it, or drop it silently
    assert {"keepalives_idle", "tcp_user_timeout"} <= set(options)


def test_a_statement_limit_that_postgresql_reads_as_none_is_refused() -> None:
    wrong = Environment.read({"PORTS_STATEMENT_SECONDS": "0.0001"}).wrong
    assert set(wrong) == {"PORTS_STATEMENT_SECONDS"}


def test_a_write_token_for_a_store_that_is_only_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert apps.writing(None) == []
    monkeypatch.setattr(settings, "ENVIRONMENT", Environment.read({"PORTS_WRITE_TOKEN": "x" * 16}))
    (error,) = apps.writing(None)
    assert error.msg == "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP"


def test_a_cache_url_becomes_djangos_settings() -> None:
    url = "redis://:a,b;c@h:6379/1"
    made = Environment.read({"PORTS_CACHE_URL": url, "PORTS_CACHE_SECONDS": "7"}).caches("ports")
    default = made["default"]
    assert default["LOCATION"] == [url]
    assert (default["KEY_PREFIX"], default["TIMEOUT"]) == ("ports", 7)
    assert isinstance(default["OPTIONS"], dict)
    assert default["OPTIONS"]["serializer"] == "service.django.cache.serializer.Bytes"
    assert default["OPTIONS"]["retry"].get_retries() == 0

import inspect

import pytest
import service.gunicorn
from pydantic import Field, ValidationError
from service.environment import ServerEnvironment, prefixed


class Environment(ServerEnvironment, alias_generator=prefixed("HARBOUR_")):
    HARBOUR_BERTHS: int = Field(3, description="Berths.")


def test_a_services_variables_have_its_prefix_and_those_of_every_program_none() -> None:
    assert list(Environment.variables()) == [
        "HOST",
        "PORT",
        "METRICS_PORT",
        "WEB_CONCURRENCY",
        "HARBOUR_THREADS",
        "HARBOUR_CPU_AFFINITY",
        "HARBOUR_MAX_WAITING",
        "HARBOUR_DRAIN_SECONDS",
        "HARBOUR_GRACEFUL_SECONDS",
        "HARBOUR_TRUSTED_PROXIES",
        "HARBOUR_TAIL_SAMPLING",
        "HARBOUR_MAX_BODY_BYTES",
        "HARBOUR_ALLOWED_ORIGINS",
        "HARBOUR_REPOSITORY_URL",
        "HARBOUR_BERTHS",
    ]
    assert all(field.description for field in Environment.variables().values())


def test_two_services_have_prefixes_of_their_own() -> None:
    class Other(ServerEnvironment, alias_generator=prefixed("OTHER_")):
        """Another service's."""

    assert "OTHER_THREADS" in Other.variables()
    assert "HARBOUR_THREADS" in Environment.variables()
    assert "THREADS" in ServerEnvironment.variables()


def test_given_settings_reach_gunicorn() -> None:
    given = Environment.model_validate({"PORT": "9090", "HARBOUR_THREADS": "2"})
    assert (given.server()["bind_port"], given.server()["threads"]) == (9090, 2)
    parameters = inspect.signature(service.gunicorn.settings).parameters
    assert given.server().keys() <= parameters.keys()


def test_a_wrong_value_is_told_by_its_variable() -> None:
    with pytest.raises(ValidationError) as caught:
        Environment.model_validate({"HARBOUR_THREADS": "0"})
    assert [error["loc"] for error in caught.value.errors()] == [("HARBOUR_THREADS",)]


def test_wrong_values_are_kept_beside_their_defaults_and_misspelt_names_are_noticed() -> None:
    read = Environment.read({"PORT": "0", "HARBOUR_THREADS": "2", "HARBOUR_TREADS": "4"})
    assert (read.PORT, read.HARBOUR_BERTHS, read.server()["threads"]) == (8080, 3, 2)
    assert list(read.wrong) == ["PORT"]
    assert read.unknown == ["HARBOUR_TREADS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HARBOUR_PORT", "tcp://10.0.0.1:80"),
        ("HARBOUR_SERVICE_HOST", "10.0.0.1"),
        ("HARBOUR_SERVICE_PORT_HTTP", "80"),
        ("HARBOUR_DB_PORT_5432_TCP_ADDR", "10.0.0.1"),
        ("HARBOUR_TEST_SEED", "1"),
        ("OTHER_THREADS", "1"),
    ],
)
def test_names_that_kubernetes_makes_for_services_are_no_settings(name: str, value: str) -> None:
    assert Environment.read({name: value}).unknown == []


def test_a_port_that_is_no_address_is_a_misspelt_setting() -> None:
    assert Environment.read({"HARBOUR_PORT": "8080"}).unknown == ["HARBOUR_PORT"]

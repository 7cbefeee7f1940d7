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
        "HARBOUR_BERTHS",
    ]
    assert all(field.description for field in Environment.variables().values())


def test_two_services_have_prefixes_of_their_own() -> None:
    class Other(ServerEnvironment, alias_generator=prefixed("OTHER_")):
        """Another service's."""

    assert "OTHER_THREADS" in Other.variables()
    assert "HARBOUR_THREADS" in Environment.variables()
    assert "THREADS" in ServerEnvironment.variables()


def test_what_is_given_reaches_gunicorns_settings() -> None:
    given = Environment.model_validate({"PORT": "9090", "HARBOUR_THREADS": "2"})
    assert (given.server()["bind_port"], given.server()["threads"]) == (9090, 2)
    parameters = inspect.signature(service.gunicorn.settings).parameters
    assert given.server().keys() <= parameters.keys()


def test_a_wrong_value_is_told_by_its_variable() -> None:
    with pytest.raises(ValidationError) as caught:
        Environment.model_validate({"HARBOUR_THREADS": "0"})
    assert [error["loc"] for error in caught.value.errors()] == [("HARBOUR_THREADS",)]

"""The API in front of use cases that fail in every way there is."""

import json
import sys
import types
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from seaports import urls
from seaports.adapters.http.api import build_api
from seaports.application.use_cases import UseCases
from seaports.domain.errors import StoreUnavailable
from service.django import problems
from telemetry import shared

TOKEN = "x" * 20


class Failing:
    """Use cases that raise what they are told to."""

    def __init__(self) -> None:
        self.error: Exception = StoreUnavailable("the database does not answer")

    def __call__(self, *_args: object, **_kwargs: object) -> Any:
        raise self.error


@pytest.fixture(scope="module")
def failing() -> Failing:
    return Failing()


@pytest.fixture(scope="module")
def urls_of_failing(failing: Failing) -> str:
    """The name of a URL configuration over the failing use cases."""
    names = UseCases.__dataclass_fields__
    api = build_api(UseCases(**dict.fromkeys(names, failing)), TOKEN)
    api.urls_namespace = "failing"

    def raising(_request: HttpRequest, error: str) -> HttpResponse:
        raise {"400": SuspiciousOperation("x"), "500": RuntimeError("secret")}[error]

    def bare(_request: HttpRequest) -> HttpResponse:
        return HttpResponse("<h1>Teapot</h1>", status=418)

    module = types.ModuleType("urls_of_failing")
    vars(module).update(
        urlpatterns=[path("", api.urls), path("raise/<error>", raising), path("bare", bare)],
        handler400=problems.bad_request,
        handler404=problems.not_found,
        handler500=problems.server_error,
    )
    sys.modules[module.__name__] = module
    return module.__name__


@pytest.fixture
def client(urls_of_failing: str) -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=urls_of_failing):
        yield Client(raise_request_exception=False, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new server, whatever other tests did in this process."""
    monkeypatch.setattr(shared, "_memory", bytearray(64))


@pytest.mark.usefixtures("never_ready")
@pytest.mark.parametrize("path", ["/ports", "/ports/AEAJM", "/ready"])
def test_a_store_that_does_not_answer_is_503_and_says_when_to_retry(
    client: Client, failing: Failing, path: str
) -> None:
    failing.error = StoreUnavailable("the database does not answer")
    response = client.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert response.json()["detail"] == "the database does not answer"
    assert client.delete("/ports/AEAJM").status_code == 503


@pytest.mark.usefixtures("never_ready")
def test_a_store_that_goes_away_later_does_not_take_the_instance_out(
    client: Client, failing: Failing
) -> None:
    failing.error = StoreUnavailable("the database does not answer")
    assert client.get("/ready").status_code == 503
    shared.mark_ready()
    response = client.get("/ready")
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "degraded",
            "ports": None,
            "revision": None,
            "unavailable": [{"dependency": "store", "detail": "the database does not answer"}],
        },
    )
    failing.error = RuntimeError("secret")
    assert client.get("/ready").status_code == 500, "an error of the code is no outage"


@pytest.mark.usefixtures("never_ready")
def test_ready_is_remembered_once_the_store_has_answered() -> None:
    assert Client().get("/ready").json()["status"] == "ready"
    assert shared.has_been_ready()


def test_the_service_lives_while_its_store_does_not_answer(client: Client) -> None:
    assert client.get("/live").json() == {"status": "live"}


@pytest.mark.parametrize("path", ["/ports/AEAJM", "/raise/500"])
def test_an_error_of_the_code_is_500_without_its_words(
    client: Client, failing: Failing, path: str
) -> None:
    failing.error = RuntimeError("secret")
    response = client.get(path)
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert b"secret" not in response.content
    assert response.json()["detail"] == (
        "an error of this service; the request id finds it in the logs"
    )
    assert response.json()["request_id"] == response["X-Request-ID"]


def test_an_error_of_django_gets_a_problem_document(client: Client) -> None:
    response = client.get("/raise/400")
    assert (response.status_code, response.json()["detail"]) == (400, "the request is malformed")


def test_an_error_that_is_no_problem_document_is_made_one(client: Client) -> None:
    response = client.get("/bare")
    assert response.status_code == 418
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == HTTPStatus(418).phrase
    assert client.get("/nope").json()["status"] == 404


def test_ready_says_503_from_the_moment_of_sigterm_while_requests_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "is_draining", lambda: True)
    client = Client()
    response = client.get("/ready")
    assert (response.status_code, response.json()["detail"]) == (
        503,
        "this instance is draining: send requests to another one",
    )
    assert client.get("/live").status_code == 200
    assert client.get("/openapi.json").status_code == 200


def test_every_route_of_the_api_is_declared_for_the_slos() -> None:
    assert urls.api.routes() == {
        (method, path)
        for method in ("GET", "HEAD")
        for path in ("/", "/ports", "/ports/{id}", "/ready", "/live")
    }
    described = json.loads(urls.api.openapi)["paths"]
    assert {path for _, path in urls.api.routes()} == described.keys()

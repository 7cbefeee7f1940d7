from http import HTTPStatus

import pytest
from django.http import HttpRequest
from ninja import Query, Router
from service.django import docs
from service.django.api import Api
from service.django.parser import StrictQuery
from service.django.problems import PROBLEMS, Errors, Problem


class Berths(StrictQuery):
    limit: int | None = None


@pytest.fixture(scope="module")
def api() -> Api:
    made = Api(title="Harbour", description="Berths.", namespace="harbour", errors=Errors({}))
    inner = Router()

    @inner.get("/{int:berth}", response={200: str, frozenset({418, 404, 412}): Problem, **PROBLEMS})
    def get(request: HttpRequest, berth: int, query: Query[Berths]) -> str:
        raise NotImplementedError

    @inner.put("/{int:berth}")
    def put(request: HttpRequest, berth: int) -> str:
        raise NotImplementedError

    made.add_router("/berths", inner)
    docs.add_docs(made)
    return made


def test_the_routes_are_those_that_the_document_describes_and_head(api: Api) -> None:
    path = "/berths/{berth}"
    assert api.routes() == {("GET", path), ("HEAD", path), ("PUT", path)}
    assert set(api.get_openapi_schema()["paths"]) == {path}


def test_a_set_of_statuses_is_described_in_their_order(api: Api) -> None:
    statuses = list(api.get_openapi_schema()["paths"]["/berths/{berth}"]["get"]["responses"])
    assert statuses == [200, 400, 404, 411, 412, 414, 415, 418, 422, 500, 503]


def test_errors_are_described_as_problem_documents_and_parameters_are_never_null(api: Api) -> None:
    operation = api.get_openapi_schema()["paths"]["/berths/{berth}"]["get"]
    assert list(operation["responses"][HTTPStatus.NOT_FOUND]["content"]) == [
        "application/problem+json"
    ]
    (limit,) = [each for each in operation["parameters"] if each["name"] == "limit"]
    assert limit["schema"]["type"] == "integer"
    assert "anyOf" not in limit["schema"]

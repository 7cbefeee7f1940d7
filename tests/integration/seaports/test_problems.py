import httpx
import pytest

from tests.service import Service
from tests.support.over_postgres import TOKEN
from tests.support.problems import problem

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/ports/ZZZZZ", 404, "no port has the id ZZZZZ"),
        ("GET", "/ports/x", 422, "not acceptable: id"),
        ("GET", "/ports/AEAJ%00", 422, "not acceptable: id"),
        ("GET", "/ports/%F0%9F%98%80", 422, "not acceptable: id"),
        ("GET", "/ports?cursor=x&q=", 422, "not acceptable: cursor, q"),
        ("GET", "/ports?q=a%00b", 422, "not acceptable: q"),
        ("GET", "/ports?q=" + "x" * 101, 422, "not acceptable: q"),
        ("GET", "/ports?country=%0a", 422, "not acceptable: country"),
    ],
)
def test_each_error_is_a_problem_document(
    any_service: Service, method: str, path: str, status: int, detail: str
) -> None:
    response = any_service.client.request(method, path)
    document = problem(response)
    assert (response.status_code, document["detail"]) == (status, detail)
    assert document["instance"] == httpx.URL(path).path


def test_an_error_of_input_names_each_input(any_service: Service) -> None:
    document = problem(any_service.client.get("/ports?limit=0&cursor=x"))
    assert document["errors"] == [
        {
            "source": "query",
            "name": "limit",
            "detail": "Input should be greater than or equal to 1",
        },
        {
            "source": "query",
            "name": "cursor",
            "detail": "String should match pattern '^[A-Za-z]{2}[A-Za-z2-9]{3}$'",
        },
    ]


def test_an_unsupported_accept_header_gets_406(any_service: Service) -> None:
    response = any_service.client.get("/ports", headers={"Accept": "text/html"})
    document = problem(response)
    assert response.status_code == 406
    assert document["detail"] == "this path answers in application/json or application/x-ndjson"


def test_a_body_of_unknown_length_is_411(any_service: Service) -> None:
    response = any_service.client.put("/ports/AEAJM", content=iter([b"{}"]), headers=AUTHORIZED)
    assert (response.status_code, problem(response)["detail"]) == (
        411,
        "a body needs a Content-Length header",
    )


def test_the_memory_store_takes_no_writes(memory_service: Service) -> None:
    for method in ("PUT", "DELETE"):
        response = memory_service.client.request(method, "/ports/AEAJM", headers=AUTHORIZED)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
        problem(response)

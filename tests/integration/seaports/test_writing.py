import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service import Service
from tests.support.over_postgres import TOKEN
from tests.support.problems import problem

PATH = "/ports/XXTST"
PORT = {"name": "Testhaven", "city": "Testhaven", "country": "Utopia"}
STORED = {
    "id": "XXTST", **PORT, "alias": [], "regions": [], "coordinates": None, "province": None,
    "timezone": None, "unlocs": ["XXTST"], "code": None,
}  # fmt: skip


@pytest.fixture
def client(postgres_service: Service) -> Iterator[httpx.Client]:
    """A client that may write; the test's port is gone before and after."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=postgres_service.url, headers=headers, timeout=60) as client:
        client.delete(PATH)
        yield client
        client.delete(PATH)


def test_a_put_creates_then_replaces_and_a_delete_removes(client: httpx.Client) -> None:
    created = client.put(PATH.lower(), json=PORT)
    assert (created.status_code, created.json()) == (201, STORED)
    assert created.headers["Location"] == PATH
    got = client.get(PATH)
    assert (got.json(), got.headers["ETag"]) == (STORED, created.headers["ETag"])
    replaced = client.put(PATH, json={**PORT, "coordinates": [1, -2.5], "code": "1"})
    assert replaced.status_code == 200
    assert client.get(PATH).json() == {**STORED, "coordinates": [1, -2.5], "code": "1"}
    deleted = client.delete(PATH)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(PATH).status_code == 404
    assert problem(client.delete(PATH))["detail"] == "no port has the id XXTST"


def test_put_accepts_the_body_of_get(client: httpx.Client) -> None:
    client.put(PATH, json=PORT)
    got = client.get(PATH)
    put = client.put(PATH, json=got.json())
    assert (put.status_code, put.headers["ETag"]) == (200, got.headers["ETag"])


def test_a_change_shows_in_the_list_at_once_with_a_new_entity_tag(client: httpx.Client) -> None:
    before = client.get("/ports?country=utopia")
    client.put(PATH, json=PORT)
    after = client.get("/ports?country=utopia")
    assert (before.json()["items"], after.json()["items"]) == ([], [STORED])
    assert before.headers["ETag"] != after.headers["ETag"]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN,
     f"Bearer {TOKEN[:-1]}", "Bearer \u00e9".encode("latin-1")],
)  # fmt: skip
def test_without_the_token_nothing_is_written(
    postgres_service: Service, authorization: str | bytes | None
) -> None:
    headers: Any = {} if authorization is None else {"Authorization": authorization}
    for response in (
        postgres_service.client.put(PATH, json=PORT, headers=headers),
        postgres_service.client.delete(PATH, headers=headers),
    ):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="ports"'
        assert problem(response)["detail"] == "a valid bearer token is needed"
    assert postgres_service.client.get(PATH).status_code == 404


def test_preconditions_decide_over_a_put(client: httpx.Client) -> None:
    assert client.put(PATH, json=PORT, headers={"If-Match": "*"}).status_code == 412
    created = client.put(PATH, json=PORT, headers={"If-None-Match": "*"})
    assert created.status_code == 201
    again = client.put(PATH, json=PORT, headers={"If-None-Match": "*"})
    etag = created.headers["ETag"]
    assert problem(again)["detail"] == f"the port exists: its entity tag is {etag}"
    weak = client.put(PATH, json=PORT, headers={"If-None-Match": f'W/{etag} , "x"'})
    assert weak.status_code == 412
    stale = client.put(PATH, json=PORT, headers={"If-Match": '"stale"'})
    assert problem(stale)["detail"] == f"the port has changed: its entity tag is now {etag}"
    weak = client.put(PATH, json=PORT, headers={"If-Match": f"W/{etag}"})
    assert weak.status_code == 412
    current = client.put(PATH, json={**PORT, "name": "New"}, headers={"If-Match": f'"x", {etag}'})
    assert current.status_code == 200
    assert client.delete(PATH, headers={"If-Match": etag}).status_code == 412
    assert client.delete(PATH, headers={"If-Match": current.headers["ETag"]}).status_code == 204


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "value", ["", ",", "x", '"open', '"a" "b"', '*, "a"', "*,*", 'w/"a"', "W/*", '"a"b"']
)
def test_a_malformed_precondition_is_refused(client: httpx.Client, header: str, value: str) -> None:
    client.put(PATH, json=PORT)
    for response in (
        client.put(PATH, json={**PORT, "name": "New"}, headers={header: value}),
        client.delete(PATH, headers={header: value}),
    ):
        assert response.status_code == 400
        assert problem(response)["detail"] == f'{header} is neither * nor a list of "entity tags"'
    assert client.get(PATH).json() == STORED


def test_two_puts_with_one_entity_tag_get_one_200_and_one_412(client: httpx.Client) -> None:
    for _ in range(5):
        etag = client.put(PATH, json=PORT).headers["ETag"]
        both = threading.Barrier(2)
        statuses: list[int] = []

        def put(name: str, etag: str = etag, both: threading.Barrier = both) -> None:
            with httpx.Client(base_url=client.base_url, headers=client.headers) as own:
                both.wait(timeout=10)
                response = own.put(PATH, json={**PORT, "name": name}, headers={"If-Match": etag})
                statuses.append(response.status_code)  # noqa: B023 - joined before the next round

        writers = [threading.Thread(target=put, args=(name,)) for name in ("One", "Two")]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=30)
        assert sorted(statuses) == [200, 412]


@pytest.mark.parametrize(
    ("content", "media_type", "status", "detail"),
    [
        (b"", "application/json", 422, "not acceptable: body"),
        (b"{", "application/json", 400, "the body is not valid JSON: "),
        (b'{"name":NaN}', "application/json", 400, "the body is not valid JSON: "),
        (b"[" * 9999, "application/json", 400, "the body is not valid JSON: "),
        (b'{"name":"\xff"}', "application/json", 400, "the body is not valid JSON: "),
        (b"[]", "application/json", 400, "the body is not valid JSON: it must be an object"),
        (b"{}", "text/plain", 415, "the body must be application/json"),
        (b"{}", "application/json", 422, "not acceptable: city, country, name"),
        (b" " * 70000, "application/json", 413, "the body is larger than this service takes"),
    ],
)
def test_a_body_that_is_no_port_is_refused(
    client: httpx.Client, content: bytes, media_type: str, status: int, detail: str
) -> None:
    response = client.put(PATH, content=content, headers={"Content-Type": media_type})
    assert response.status_code == status
    assert problem(response)["detail"].startswith(detail)
    assert client.get(PATH).status_code == 404


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 1}, "name"),
        ({"code": 52000}, "code"),
        ({"coordinates": [181, 0]}, "coordinates.0"),
        ({"coordinates": ["1", 0]}, "coordinates.0"),
        ({"coordinates": [1, True]}, "coordinates.1"),
        ({"coordinates": [1]}, "coordinates.1"),
        ({"unlocs": ["x"]}, "unlocs.0"),
        ({"alias": ["x"] * 101}, "alias"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_port_that_breaks_a_rule_is_refused_by_name(
    client: httpx.Client, change: dict[str, object], named: str
) -> None:
    response = client.put(PATH, json={**PORT, **change})
    document = problem(response)
    assert (response.status_code, document["detail"]) == (422, f"not acceptable: {named}")
    assert [(error["source"], error["name"]) for error in document["errors"]] == [("body", named)]


def test_the_id_in_the_body_must_be_the_one_in_the_path(client: httpx.Client) -> None:
    response = client.put(PATH, json={**PORT, "id": "AEAJM"})
    assert response.status_code == 409
    assert problem(response)["detail"] == "the body's id AEAJM is not the id in the path"
    assert client.put(PATH, json={**PORT, "id": "xxtst"}).status_code == 201

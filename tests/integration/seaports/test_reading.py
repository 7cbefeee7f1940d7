import json
import re

import httpx
import orjson
import pytest

from tests.service import FOLDER, Service

DATA = json.loads((FOLDER / "data/ports.json").read_text())
NDJSON = {"Accept": "application/x-ndjson"}
AJMAN = {
    "id": "AEAJM",
    "name": "Ajman",
    "city": "Ajman",
    "country": "United Arab Emirates",
    "alias": [],
    "regions": [],
    "coordinates": [55.5136433, 25.4052165],
    "province": "Ajman",
    "timezone": "Asia/Dubai",
    "unlocs": ["AEAJM"],
    "code": "52000",
}
UNKNOWN = {"coordinates": None, "province": None, "timezone": None, "code": None}


@pytest.mark.parametrize("path", ["/ports/AEAJM", "/ports/aeajm", "/ports/AeAjM"])
def test_a_port_is_got_whatever_the_case_of_its_id(any_service: Service, path: str) -> None:
    response = any_service.client.get(path)
    assert (response.status_code, response.json()) == (200, AJMAN)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_stream_is_the_whole_data_set_in_the_order_of_ids(any_service: Service) -> None:
    response = any_service.client.get("/ports", headers=NDJSON)
    assert response.headers["Content-Type"] == "application/x-ndjson"
    ports = [orjson.loads(line) for line in response.content.splitlines()]
    expected = [{**UNKNOWN, "id": key, **record} for key, record in sorted(DATA.items())]
    assert len(ports) == 1634
    assert ports == expected


def test_following_links_walks_over_every_port_once(any_service: Service) -> None:
    walked: list[str] = []
    path = "/ports?limit=400"
    pages = 0
    while path:
        response = any_service.client.get(path)
        walked += [port["id"] for port in response.json()["items"]]
        link = response.links.get("next")
        assert (link is None) == (response.json()["next"] is None)
        path = link["url"] if link else ""
        pages += 1
    assert walked == sorted(DATA)
    assert pages == 5


def test_a_page_has_a_hundred_ports_by_default(any_service: Service) -> None:
    page = any_service.client.get("/ports").json()
    assert [port["id"] for port in page["items"]] == sorted(DATA)[:100]
    assert page["next"] == sorted(DATA)[99]


def test_filters_select_by_country_and_name(any_service: Service) -> None:
    get = any_service.client.get
    emirates = sorted(key for key in DATA if DATA[key]["country"] == "United Arab Emirates")
    params: dict[str, str | int] = {"country": "united arab EMIRATES", "limit": 1000}
    found = get("/ports", params=params).json()
    assert [port["id"] for port in found["items"]] == emirates
    found = get("/ports", params={**params, "q": "DHABI", "limit": 1}).json()
    assert ([port["id"] for port in found["items"]], found["next"]) == (["AEAUH"], None)
    lines = get("/ports", params={"q": "abu dhabi"}, headers=NDJSON).text.splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == ["AEAUH"]


def test_the_longest_filters_that_the_schema_allows_are_not_too_long(any_service: Service) -> None:
    longest = "\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL A}" * 100  # four bytes of UTF-8 each
    response = any_service.client.get(
        "/ports", params={"country": longest, "q": longest, "limit": 1000, "cursor": "AEAJM"}
    )
    assert (response.status_code, response.json()["items"]) == (200, [])


def test_a_stream_goes_on_after_a_cursor_and_ends_at_a_limit(any_service: Service) -> None:
    response = any_service.client.get("/ports?cursor=aeajm&limit=2", headers=NDJSON)
    ids = [orjson.loads(line)["id"] for line in response.text.splitlines()]
    assert ids == ["AEAUH", "AEDXB"]


@pytest.mark.parametrize("path", ["/ports/AEAJM", "/ports?limit=3", "/ports?q=x", "/openapi.json"])
def test_a_known_entity_tag_is_answered_with_304(any_service: Service, path: str) -> None:
    first = any_service.client.get(path)
    etag = first.headers["ETag"]
    assert re.fullmatch('"[0-9a-f]{24}"', etag)
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = any_service.client.get(path, headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == etag
        assert response.headers["Cache-Control"] == first.headers["Cache-Control"]
        for of_a_body in ("Content-Length", "Content-Type", "X-Content-Type-Options"):
            assert of_a_body not in response.headers
    response = any_service.client.get(path, headers={"If-None-Match": '"other"'})
    assert (response.status_code, response.content) == (200, first.content)
    for none_of_them in ('"other"', f'"other,{etag[1:]}', '"a,b"', f"W/{etag}"):
        response = any_service.client.get(path, headers={"If-Match": none_of_them})
        assert response.status_code == 412
    for unreadable in ("", "other", '"open'):
        for header in ("If-Match", "If-None-Match"):
            response = any_service.client.get(path, headers={header: unreadable})
            assert response.status_code == 400
    assert any_service.client.get(path, headers={"If-Match": etag}).status_code == 200


def test_entity_tags_differ_by_page_filter_and_media_type(any_service: Service) -> None:
    paths = [
        "/ports",
        "/ports?limit=1",
        "/ports?limit=1&cursor=AEAJM",
        "/ports?q=a",
        "/ports/AEAJM",
    ]
    tags = [any_service.client.get(path).headers["ETag"] for path in paths]
    tags.append(any_service.client.get("/ports", headers=NDJSON).headers["ETag"])
    assert len(set(tags)) == len(tags)


def test_the_same_port_has_the_same_entity_tag_in_every_store(
    memory_service: Service, postgres_service: Service
) -> None:
    tags = {
        service.client.get("/ports/AEAJM").headers["ETag"]
        for service in (memory_service, postgres_service)
    }
    assert len(tags) == 1


@pytest.mark.parametrize("path", ["/ports/AEAJM", "/ports", "/ports?limit=1", "/ports/ZZZZZ"])
def test_head_is_get_without_the_body(any_service: Service, path: str) -> None:
    get = any_service.client.get(path)
    head = any_service.client.head(path)
    assert head.content == b""
    volatile = {"date", "x-request-id"}
    problem = get.status_code >= 400  # carries the request's id, so that its length may differ
    volatile |= {"content-length"} if problem else set()
    headers = [
        {name: value for name, value in r.headers.items() if name not in volatile}
        for r in (get, head)
    ]
    assert (head.status_code, headers[1]) == (get.status_code, headers[0])


def test_head_of_the_stream_has_its_headers_and_no_body(any_service: Service) -> None:
    head = any_service.client.head("/ports", headers=NDJSON)
    get = any_service.client.get("/ports", headers=NDJSON)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/json;q=0, */*", "application/x-ndjson"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/x-ndjson;q=0.9, application/json;q=0.1", "application/x-ndjson"),
    ],
)
def test_the_media_type_follows_accept(any_service: Service, accept: str, expected: str) -> None:
    response = any_service.client.get("/ports", headers={"Accept": accept})
    assert response.headers["Content-Type"] == expected
    assert response.headers["Vary"] == "Accept"


def test_probes_say_ready_and_live(any_service: Service) -> None:
    ready = any_service.client.get("/ready").json()
    assert (ready["status"], ready["ports"]) == ("ready", 1634)
    assert any_service.client.get("/live").json() == {"status": "live"}


def test_the_openapi_document_lists_writes_only_where_they_are_taken(
    memory_service: Service, postgres_service: Service
) -> None:
    methods = [
        set(service.client.get("/openapi.json").json()["paths"]["/ports/{id}"])
        for service in (memory_service, postgres_service)
    ]
    assert methods == [{"get"}, {"get", "put", "delete"}]


def test_the_next_link_of_a_page_keeps_the_filters(any_service: Service) -> None:
    response = any_service.client.get("/ports", params={"country": "Japan", "limit": 2})
    following = httpx.URL(response.links["next"]["url"])
    assert dict(following.params) == {
        "country": "Japan",
        "limit": "2",
        "cursor": response.json()["next"],
    }

"""The HTTP behavior that every service has, tested for each folder of services/.

`make golden-path` runs this over a new service of the template.
"""

import json
import re
import signal
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import service
from tests.service import SERVICES, Service
from tests.support import raw
from tests.support.problems import problem

PROBES = {"/ready", "/live"}
NO_LIST = {"/", *PROBES}
PORTAL = "https://portal.example.com"
NOWHERE = "nothing is served at this path; see /docs"


@dataclass
class Target:
    """A running service, and paths of its API."""

    name: str
    running: Service
    listing: str
    one: str

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request for a path, in which `LIST` is the path of a list."""
        return self.running.client.request(method, path.replace("LIST", self.listing), **more)

    def exchange(self, head: bytes) -> bytes:
        return raw.exchange(httpx.URL(self.running.url).port or 0, head)


@pytest.fixture(scope="module", params=SERVICES)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    name: str = request.param
    prefix = service.prefix(name)
    settings = {f"{prefix}DRAIN_SECONDS": "3", f"{prefix}ALLOWED_ORIGINS": f"http://a:1, {PORTAL}"}
    with service.running(tmp_path_factory.mktemp(name), name=name, **settings) as running:
        paths = running.client.get("/openapi.json").json()["paths"]
        reading = [path for path, methods in paths.items() if "get" in methods]
        (listing, *_) = [path for path in reading if "{" not in path and path not in NO_LIST]
        (one, *_) = [path for path in reading if "{" in path]
        yield Target(name, running, listing, one)


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/index.html", 404, NOWHERE),
        ("GET", "/nope", 404, NOWHERE),
        ("GET", "LIST/", 404, NOWHERE),
        ("GET", "/docs/static/nope.js", 404, NOWHERE),
        ("POST", "LIST", 405, "LIST takes GET, HEAD"),
        ("BREW", "LIST", 405, "LIST takes GET, HEAD"),
        ("OPTIONS", "LIST", 405, "LIST takes GET, HEAD"),
        ("POST", "/", 405, "/ takes GET, HEAD"),
        ("OPTIONS", "/", 405, "/ takes GET, HEAD"),
        ("OPTIONS", "/ready", 405, "/ready takes GET, HEAD"),
        ("OPTIONS", "/docs", 405, "/docs takes GET, HEAD"),
        ("OPTIONS", "/metrics", 405, "/metrics takes GET, HEAD"),
        ("GET", "LIST?limit=0", 422, "not acceptable: limit"),
        ("GET", "LIST?limit=1001", 422, "not acceptable: limit"),
        ("GET", "LIST?limit=ten", 422, "not acceptable: limit"),
        ("GET", "LIST?limit=1&limit=2", 422, "limit is given 2 times"),
        ("GET", "LIST?lmit=1", 422, "unknown parameter 'lmit'"),
        ("GET", "LIST?" + "&" * 1500, 400, "the request is malformed"),
        ("GET", "LIST?q=" + "x" * 3100, 414, "a query of over 3072 bytes"),
    ],
)
def test_each_error_is_a_problem_document(
    target: Target, method: str, path: str, status: int, detail: str
) -> None:
    response = target.request(method, path)
    document = problem(response)
    expected = (status, detail.replace("LIST", target.listing))
    assert (response.status_code, document["detail"]) == expected
    assert document["instance"] == response.request.url.path
    if status == 405:
        assert response.headers["Allow"] == "GET, HEAD"


def test_an_error_of_input_names_each_input(target: Target) -> None:
    (error,) = problem(target.request("GET", "LIST?limit=0"))["errors"]
    assert error == {
        "source": "query",
        "name": "limit",
        "detail": "Input should be greater than or equal to 1",
    }


def test_an_item_that_is_not_there_is_404(target: Target) -> None:
    path = re.sub(r"\{\w+\}", "ZZZZZ", target.one)
    assert problem(target.request("GET", path))["status"] == 404


@pytest.mark.parametrize(
    "path", ["/", "LIST", "LIST?limit=1", "/ready", "/live", "/docs", "/openapi.json", "/nope"]
)
def test_head_is_get_without_the_body(target: Target, path: str) -> None:
    get, head = target.request("GET", path), target.request("HEAD", path)
    assert head.content == b""
    volatile = {"date", "x-request-id"}
    if get.is_error:  # it has the request's id, whose length differs
        volatile.add("content-length")
    headers = [
        {name: value for name, value in each.headers.items() if name not in volatile}
        for each in (get, head)
    ]
    assert (head.status_code, headers[1]) == (get.status_code, headers[0])
    assert headers[0]["x-content-type-options"] == "nosniff"


def test_a_body_of_unknown_length_is_411_and_one_in_a_coding_415(target: Target) -> None:
    endless = target.request("GET", "LIST", content=iter([b"{}"]))
    assert (endless.status_code, problem(endless)["detail"]) == (
        411,
        "a body needs a Content-Length header",
    )
    coded = target.request("GET", "LIST", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (coded.status_code, coded.headers["Accept-Encoding"]) == (415, "identity")
    problem(coded)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n", b"431"),
    ],
    ids=["no request line", "bad header", "long request line", "long header"],
)
def test_malformed_http_gets_a_problem_document(target: Target, head: bytes, status: bytes) -> None:
    answer = target.exchange(head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer.lower()
    assert b"<html" not in answer.lower()


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html;q=0.5, */*"])
def test_a_program_gets_links_at_the_root(target: Target, accept: str) -> None:
    answer = target.request("GET", "/", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["service"] == target.name
    assert {"docs", "openapi", "ready", "live"} < document["links"].keys()
    assert target.listing in document["links"].values()
    for address in document["links"].values():
        assert target.request("GET", address).status_code == 200


def test_a_browser_gets_a_page_at_the_root_that_runs_nothing_but_its_own(target: Target) -> None:
    page = target.request("GET", "/", headers={"Accept": BROWSER})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert target.request("GET", "/").json()["description"] in unescape(page.text)
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    inline = re.findall(r"<(?:style|script)>(.*?)</", page.text, re.DOTALL)
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in inline]
    assert re.findall("'sha256-([^']+)'", policy) == hashes
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert {"/docs", "/openapi.json", target.listing} < set(addresses)
    assert PROBES.isdisjoint(addresses)
    counted = 'http_response_status_code="200",http_route="/"'
    assert counted in target.request("GET", "/metrics").text


def test_the_root_is_cached_by_media_type_and_offers_no_other(target: Target) -> None:
    for accept in ("application/json", BROWSER):
        first = target.request("GET", "/", headers={"Accept": accept})
        assert first.headers["Vary"] == "Accept, origin"  # an origin is allowed
        tag = {"Accept": accept, "If-None-Match": first.headers["ETag"]}
        again = target.request("GET", "/", headers=tag)
        assert (again.status_code, again.headers["Vary"]) == (304, "Accept, origin")
    other = target.request("GET", "/", headers={"Accept": "image/png"})
    assert problem(other)["detail"] == "this path answers in application/json or text/html"
    assert other.status_code == 406


def test_the_docs_page_and_its_files_come_from_the_service_alone(target: Target) -> None:
    page = target.request("GET", "/docs")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {Path(source).suffix for source in sources} >= {".css", ".js"}
    for source in sources:
        assert source.startswith("/docs/static/ninja/")
        assert target.request("GET", source).status_code == 200
    assert '"url": "/openapi.json"' in page.text


def test_pages_of_an_allowed_origin_may_call_the_api_and_read_its_answers(target: Target) -> None:
    origin = {"Origin": PORTAL}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-match"}
    preflight = target.request("OPTIONS", target.one, headers=origin | asked)
    assert preflight.status_code == 200
    assert "if-match" in preflight.headers["Access-Control-Allow-Headers"]
    for path in ("LIST", "/nope"):
        answer = target.request("GET", path, headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == PORTAL
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert "origin" in answer.headers["Vary"]


def test_pages_of_another_origin_may_not_call_the_api(target: Target) -> None:
    for origin in ("https://elsewhere.example.com", f"{PORTAL}.example.org", "null"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        for method in ("GET", "OPTIONS"):
            answer = target.request(method, "LIST", headers=headers)
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_setting_that_is_none_or_wrong_stops_the_start_with_one_line(target: Target) -> None:
    prefix = service.prefix(target.name)
    wrong = {f"{prefix}TREADS": "4", f"{prefix}MAX_BODY_BYTES": "0"}
    done = service.start_refused(name=target.name, **wrong)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (line,) = [line for line in lines if line["level"] != "info"]  # that the stock parts serve
    assert (line["level"], line["event"]) == ("critical", "service.start_refused")
    assert line["reason"] == (
        f"{prefix}MAX_BODY_BYTES=0: must be a whole number between 1024 and 10000000"
        f" (largest request body, in bytes); {prefix}TREADS: unknown setting"
        f" (did you mean {prefix}THREADS?)"
    )


def test_a_drain_is_told_to_probes_and_is_no_error(target: Target) -> None:
    """This one comes last: it ends the service."""
    before = len(target.running.lines())
    target.running.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 2
    while (ready := target.request("GET", "/ready")).status_code == 200:
        assert time.monotonic() < deadline
    assert ready.headers["Retry-After"] == "1"
    assert problem(ready)["detail"] == "this instance is draining: send requests to another one"
    for path in ("/live", "LIST", "/docs"):
        assert target.request("GET", path).status_code == 200
    assert target.running.process.wait(service.DEADLINE_SECONDS) == 0
    lines = [json.loads(line) for line in target.running.lines()[before:]]
    assert len(lines) >= 2, "the two requests"
    assert {line["level"] for line in lines} == {"info"}
    assert [line for line in lines if "exception" in line] == []

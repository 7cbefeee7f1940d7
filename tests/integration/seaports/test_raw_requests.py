"""Requests that no client library sends, over each store."""

import httpx
import pytest

from tests.service import Service
from tests.support import raw
from tests.support.over_postgres import TOKEN

AUTHORIZED = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
PORT = b'{"name":"Rawhaven","city":"Rawhaven","country":"Utopia"}'


def ask(
    service: Service,
    target: str,
    *fields: str,
    method: str = "GET",
    body: bytes = b"",
    half_close: bool = False,
) -> tuple[int, bytes]:
    """Return status and content of the answer to a request that closes its connection."""
    lines = (f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", *fields)
    head = "".join(f"{line}\r\n" for line in lines)
    sent = f"{head}\r\n".encode("latin-1") + body
    answer = raw.exchange(httpx.URL(service.url).port or 0, sent, half_close=half_close)
    head_sent, _, content = answer.partition(b"\r\n\r\n")
    return int(head_sent.split(b" ")[1]), content


CHARSETS = (
    *("hex", "base64", "zlib", "bz2", "uu", "quopri", "rot13", "undefined", "unicode_escape"),
    *("raw_unicode_escape", "idna", "punycode", "utf-7", "utf-16", "utf-32", "cp037", "no-such"),
)


@pytest.mark.parametrize("charset", CHARSETS)
def test_the_charset_of_content_type_does_not_decode_the_query(
    any_service: Service, charset: str
) -> None:
    for field in (
        f"Content-Type: text/plain; charset={charset}",
        f"Content-Type: a; x*={charset}''%41",
    ):
        status, content = ask(any_service, "/ports?q=dhabi&limit=1", field)
        assert (status, content.count(b'"id":"AEAUH"')) == (200, 1)
        assert ask(any_service, "/ports?" + "&" * 1001, field)[0] == 400
        assert ask(any_service, "/ports?q=%5Cud800", field)[0] == 200
        assert ask(any_service, "/ready?x=%FF", field)[0] == 200
    assert ask(any_service, "/ports?q=a", "Content-Type: a; charset*=utf-8''%00")[0] == 200


@pytest.mark.parametrize(
    "name",
    ["x" * 256, "x/" * 2000, "ninja/" + "x" * 300, "ninja/%00", "..%2f", "ninja", "%ED%A0%80"],
)
def test_an_unknown_static_file_is_404_for_any_name(any_service: Service, name: str) -> None:
    assert ask(any_service, f"/docs/static/{name}")[0] == 404


@pytest.mark.parametrize("path", ["/metrics", "/docs/static/ninja/favicon.svg"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_read_only_routes_accept_only_get_and_head(
    any_service: Service, path: str, method: str
) -> None:
    response = any_service.client.request(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
    assert any_service.client.get(path).status_code == any_service.client.head(path).status_code
    assert any_service.client.get(path).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"HEAD / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: br\r\n\r\n",
        b"HEAD /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
        b"HEAD /live HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nA B: c\r\n\r\n",
    ],
    ids=["name", "expect", "length", "coding", "line", "version", "field", "pipelined"],
)
def test_head_responses_of_the_server_itself_have_no_content(
    any_service: Service, head: bytes
) -> None:
    *_, last, content = raw.exchange(httpx.URL(any_service.url).port or 0, head).split(b"\r\n\r\n")
    assert last.startswith(b"HTTP/1.1 4")
    assert content == b""


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x"])
def test_a_compressed_body_is_415(postgres_service: Service, coding: str) -> None:
    fields = (f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")
    length = f"Content-Length: {len(PORT)}"
    coded = ask(
        postgres_service, "/ports/XXRAW", *fields, length, f"Content-Encoding: {coding}",
        method="PUT", body=PORT,
    )  # fmt: skip
    assert coded[0] == 415
    assert postgres_service.client.get("/ports/XXRAW").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("missing", [1, 100])
def test_nothing_is_written_for_a_body_that_ends_before_its_length(
    postgres_service: Service, method: str, missing: int
) -> None:
    fields = (f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")
    path = "/ports/AEAJM" if method == "DELETE" else "/ports/XXRAW"
    before = postgres_service.client.get(path).content
    status, content = ask(
        postgres_service, path, *fields, f"Content-Length: {len(PORT) + missing}",
        method=method, body=PORT, half_close=True,
    )  # fmt: skip
    assert status == 400
    assert f"the body ends after {len(PORT)} of {len(PORT) + missing} bytes".encode() in content
    after = postgres_service.client.get(path)
    assert (after.status_code, after.content == before) == (
        (200, True) if method == "DELETE" else (404, False)
    )


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/ports/metrics", "SCRIPT_NAME: /ports"),
        ("/ports/live", "SCRIPT_NAME: /ports"),
        ("/ports/metrics", "PATH_INFO: /metrics"),
        ("/ports/metrics", "Script-Name: /ports"),
    ],
)
def test_no_header_changes_the_path_of_the_request_line(
    any_service: Service, target: str, field: str
) -> None:
    assert ask(any_service, target, field)[0] in {404, 422}
    assert ask(any_service, "/live", "SCRIPT_NAME: /ports")[0] == 200
    assert ask(any_service, "/live", "SCRIPT_NAME: \xff")[0] == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "tags",
    ['"a,b"', '"x,y"', ',"a,b", ,', 'W/"a,b"', '"a,b","c"', '"caf\xe9"', '"\\"', '"a",,'],
)
def test_a_write_with_another_entity_tag_is_refused(
    postgres_service: Service, method: str, tags: str
) -> None:
    fields = (f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")
    length = f"Content-Length: {len(PORT)}"
    before = postgres_service.client.get("/ports/AEAJM").content
    status, _ = ask(
        postgres_service, "/ports/AEAJM", *fields, length, f"If-Match: {tags}",
        method=method, body=PORT,
    )  # fmt: skip
    assert status == 412
    assert postgres_service.client.get("/ports/AEAJM").content == before

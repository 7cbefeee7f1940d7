"""Our response beside gunicorn's own: the same bytes, in fewer packets."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import errors, wsgi
from hypothesis import example, given
from hypothesis import strategies as st
from telemetry_fast import responses
from telemetry_fast.responses import Response

from tests.support.thorough import examples

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
LONG = b"x" * 20_000

fields = st.lists(
    st.sampled_from(
        [
            *(("Content-Type", "a/b"), ("ETag", '"1"'), ("Vary", " padded\t"), ("X", "caf\xe9")),
            *(("Content-Length", "3"), ("content-length", "0"), ("Content-Length", "20000")),
            *(("Connection", "close"), ("Connection", "Upgrade"), ("Upgrade", "websocket")),
            *(("Transfer-Encoding", "gzip"), ("Bad Name", "1"), ("Split", "a\r\nb"), ("", "1")),
            *((1, "1"), ("Number", 1), ("Euro", "\u20ac"), (b"Bytes", "1")),
        ]
    ),
    max_size=4,
)
parts = st.lists(st.sampled_from([b"", b"abc", b"abcdef", LONG, "text"]), max_size=3)
statuses = st.sampled_from(["200 OK", "204 No Content", "304 Not Modified", "500", "101 Up", "x"])
requests = st.builds(
    lambda method, version, closes: SimpleNamespace(
        method=method, version=version, should_close=lambda: closes
    ),
    st.sampled_from(["GET", "HEAD"]),
    st.sampled_from([(1, 1), (1, 0)]),
    st.booleans(),
)
GET = SimpleNamespace(method="GET", version=(1, 1), should_close=lambda: False)


class Socket:
    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.packets.append(data)


def sent(
    kind: Any, request: Any, status: str, headers: list[Any], body: list[Any]
) -> tuple[list[bytes], Any]:
    """Return the packets of a response, and how it ended."""
    sock = Socket()
    response = kind(request, sock, Config())
    try:
        response.start_response(status, headers)
        for part in body:
            response.write(part)
        response.close()
    except (TypeError, ValueError, UnicodeEncodeError, errors.InvalidResponseHeader) as exc:
        return sock.packets, (type(exc), str(exc), response.headers_sent)
    except errors.InvalidResponseHeaderName as exc:
        return sock.packets, (type(exc), str(exc), response.headers_sent)
    return sock.packets, (response.should_close(), response.sent, response.headers_sent)


@pytest.fixture(autouse=True, scope="module")
def noon() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(util, "http_date", lambda *_: DATE)
        responses._date.cache_clear()
        yield
    responses._date.cache_clear()


@examples(1000)
@given(requests, statuses, fields, parts)
@example(GET, "200 OK", [("Content-Length", "3")], [b"", b"abcdef", b"abc"])
def test_clients_get_the_same_bytes_and_the_application_the_same_errors(
    request: Any, status: str, headers: list[Any], body: list[Any]
) -> None:
    packets, end = sent(Response, request, status, headers, body)
    wanted, wanted_end = sent(wsgi.Response, request, status, headers, body)
    assert b"".join(packets) == b"".join(wanted)
    assert end == wanted_end


def test_a_short_body_goes_out_with_its_head_a_long_one_after_it() -> None:
    length = [("Content-Length", "3")]
    packets, _ = sent(Response, GET, "200 OK", length, [b"abc"])
    assert len(packets) == 1
    packets, _ = sent(Response, GET, "200 OK", [("Content-Length", "20000")], [LONG])
    assert [len(packet) for packet in packets][1:] == [20_000]
    packets, _ = sent(Response, GET, "200 OK", length, [b"a", b"bc"])
    assert packets[1:] == [b"bc"]


def test_an_encoding_error_sends_no_headers() -> None:
    sock = Socket()
    response = Response(GET, sock, Config())
    response.start_response("200 OK", [("Euro", "1"), ("Content-Length", "3")])
    response.headers.append(("Euro", "\u20ac"))
    with pytest.raises(UnicodeEncodeError):
        response.write(b"abc")
    assert not response.headers_sent
    assert sock.packets == []


def test_a_file_goes_out_behind_its_head() -> None:
    sock = Socket()
    response = Response(GET, sock, Config())
    response.cfg.set("sendfile", False)
    response.start_response("200 OK", [("Content-Length", "3")])
    response.write_file(wsgi.FileWrapper(io.BytesIO(b"abc")))
    assert b"".join(sock.packets).endswith(b"\r\n\r\nabc")


def test_the_date_is_made_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    def made_at(second: float) -> str:
        made.append(second)
        return DATE

    monkeypatch.setattr(util, "http_date", made_at)
    for second in (1_000.1, 1_000.9, 1_001.0):
        monkeypatch.setattr("telemetry_fast.responses.time.time", lambda second=second: second)
        sent(Response, GET, "200 OK", [], [])
    assert made == [1000, 1001]

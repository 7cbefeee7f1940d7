"""Our reading of a request beside gunicorn's own: the same of the same bytes."""

import io
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import errors, message, wsgi
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from hypothesis import example, given
from hypothesis import strategies as st
from telemetry_fast import environs
from telemetry_fast.requests import Parser, Request

from tests.support.thorough import examples

TRUSTED, STRANGER = ("127.0.0.1", 50000), ("192.0.2.1", 50000)
PLAIN = b"GET /ports/AEAJM?a=b HTTP/1.1\r\nHost: h:80\r\nX-Request-ID: 1\r\n\r\n"
# Effects on a client; the readers of a body and of the socket are compared by their effects.
SEEN = ("method", "uri", "path", "query", "fragment", "version", "headers", "scheme")

# Nearly all of a head is as it should be, or no head would get past its first fault.
TARGETS = ["/", "/ports/AEAJM", "/p%20q?a=1&b=2", "/a?b?c", "/a?", "/a:b[c]"]
LINES = [
    *("Host: h", "Host: h:80", "Connection: close", "Connection:Keep-Alive", "Upgrade: h2c"),
    *("Content-Length: 3", "Transfer-Encoding: chunked", "Expect: 100-continue", "Accept: a"),
    *("accept:\t b \t", "traceparent: 00-1-2-01", "X-Forwarded-Proto: https", "Empty:"),
    *("X-Forwarded-Proto: http", "X-Forwarded-Ssl: on", "Script_Name: /p", "X_Under: 1"),
    *("Content-Type: a/b", "Latin: caf\xe9\x85", "Tab: a\tb", "Comma: a, b: c"),
]
ODD_TARGETS = ["//x/y", "*", "http://h/p", "/a#b", "/a?b#c", "h:80", "", "/\xe9", "/ /"]
ODD_LINES = [
    *("Content-Length: -1", "Content-Length: 1_0", "Transfer-Encoding: gzip", "Expect: x"),
    *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked", "no colon"),
    *("Bad Name: 1", "Late : 1", ": 1", "\xdcnicode: 1", "Null: \x00", "Delete: \x7f", "a\nb: 1"),
    *(" folded: 1", "\tfolded", "Return: a\rb", "Bell: \x07", "Next: \x85", "Feed: a\nb", ""),
]
character = st.characters(min_codepoint=0, max_codepoint=0xFF)
methods = st.sampled_from(["GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "A" * 20])
odd_methods = st.sampled_from(["get", "GE", "G#T", "PR1", "A" * 21, "G T", ""])
versions = st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"])
odd_versions = st.sampled_from(["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/1.11", ""])
targets = st.sampled_from(TARGETS)
odd_targets = st.one_of(
    st.sampled_from(ODD_TARGETS), st.text(character, max_size=8).map("/".__add__)
)
odd_lines = st.one_of(
    st.sampled_from(ODD_LINES),
    st.text(character, max_size=8),
    st.text(character, max_size=8).map("Any: ".__add__),
)
AFTER = ["", "", "abc", "3\r\nabc\r\n0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Return a head, and what follows it, with one fault or none."""
    fault = draw(st.sampled_from(["", "", "", "method", "target", "version", "line", "end"]))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=4, unique=draw(st.booleans())))
    if fault == "line":
        lines.insert(draw(st.integers(0, len(lines))), draw(odd_lines))
    end = "\n" if fault == "end" else "\r\n"
    first = (
        draw(odd_methods if fault == "method" else methods),
        draw(odd_targets if fault == "target" else targets),
        draw(odd_versions if fault == "version" else versions),
    )
    text = end.join([" ".join(first), *lines, "", draw(st.sampled_from(AFTER))])
    return text.encode("latin-1")


class Socket(io.BytesIO):
    """A client's bytes, so many at a time."""

    def __init__(self, sent: bytes, at_once: int) -> None:
        super().__init__(sent)
        self._at_once = at_once
        self.sent: list[bytes] = []

    def recv(self, size: int) -> bytes:
        return self.read(min(size, self._at_once))

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)


def configured(**given: Any) -> Config:
    config = Config()
    for key, wanted in given.items():
        config.set(key, wanted)
    return config


def outcome(kind: Any, config: Config, peer: object, sent: bytes, at_once: int = 8192) -> Any:
    """Return what a kind of request makes of the bytes, its body and what is left included."""
    unreader = SocketUnreader(Socket(sent, at_once))
    try:
        request = kind(config, unreader, peer)
    except (errors.ParseException, OSError, StopIteration) as exc:
        return type(exc), str(exc)
    found = [getattr(request, seen) for seen in SEEN]
    try:
        body = request.body.read()
    except (errors.ParseException, OSError) as exc:
        body = type(exc)
    left = unreader.take_buffered() + unreader.sock.read()
    expected = request._expected_100_continue
    return found, body, left, request.should_close(), request.must_close, expected


@examples(1500)
@given(heads(), st.sampled_from([TRUSTED, STRANGER, ""]), st.sampled_from([8192, 40, 7]))
@example(PLAIN, TRUSTED, 8192)
@example(b"\r\n" + PLAIN, TRUSTED, 8192)
@example(PLAIN + PLAIN, STRANGER, 8192)
@example(b"", STRANGER, 8192)
def test_both_make_the_same_of_the_same_bytes(sent: bytes, peer: object, at_once: int) -> None:
    config = Config()
    ours = outcome(Request, config, peer, sent, at_once)
    assert ours == outcome(message.Request, config, peer, sent, at_once)


@pytest.mark.parametrize(
    "limits",
    [
        {"limit_request_line": 20},
        {"limit_request_line": 0},
        {"limit_request_fields": 1},
        {"limit_request_fields": 2},
        {"limit_request_field_size": 10},
        {"header_map": "refuse"},
        {"header_map": "dangerous"},
        {"forwarded_allow_ips": "*"},
        {"forwarder_headers": "X_UNDER"},
        {"permit_obsolete_folding": True},
        {"strip_header_spaces": True},
        {"casefold_http_method": True, "permit_unconventional_http_method": True},
        {"proxy_protocol": "auto"},
    ],
)
@examples(100)
@given(heads())
@example(PLAIN)
@example(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + PLAIN)
def test_both_parsers_agree_under_any_configuration(limits: dict[str, Any], sent: bytes) -> None:
    config = configured(**limits)
    assert outcome(Request, config, TRUSTED, sent) == outcome(
        message.Request, config, TRUSTED, sent
    )


def test_a_connection_is_closed_when_somebody_says_so_later() -> None:
    request = Request(Config(), SocketUnreader(Socket(PLAIN, 8192)), STRANGER)
    assert not request.should_close()
    request.force_close()
    assert request.should_close()


@pytest.mark.parametrize("sent", [PLAIN, PLAIN.replace(b"1.1", b"1.0"), b"GET / HTTP/1.1\r\n\r\n"])
def test_the_usual_head_is_read_without_the_base(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message.Request, "_parse_python", None)
    assert outcome(Request, Config(), STRANGER, sent)[0][0] == "GET"


def test_the_parser_reads_two_requests_of_one_packet_in_order() -> None:
    parser = Parser(Config(), Socket(PLAIN + PLAIN.replace(b"AEAJM", b"BEANR"), 8192), STRANGER)
    assert [request.path for request in parser] == ["/ports/AEAJM", "/ports/BEANR"]


def test_an_unread_body_is_not_parsed_as_a_request() -> None:
    first = b"PUT /ports/X HTTP/1.1\r\nContent-Length: 9\r\n\r\nGET / HTT"
    parser = Parser(Config(), Socket(first + PLAIN, 8192), STRANGER)
    assert [request.path for request in parser] == ["/ports/X", "/ports/AEAJM"]


class Connection:
    """As much of gunicorn's as an environment is made of."""

    def __init__(self, client: object, server: object) -> None:
        self.sock = Socket(b"", 1)
        self.common: dict[str, Any] | None = None
        self.client, self.server = client, server


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (STRANGER, ("127.0.0.1", 8080)),
        (TRUSTED, ("127.0.0.1", 8080)),
        ("", "/run/ports.sock"),
    ],
)
@examples(300)
@given(st.lists(heads(), min_size=2, max_size=3))
@example([PLAIN, PLAIN.replace(b"AEAJM", b"%41%00").replace(b"\r\n\r\n", b"\r\nhost-x: 2\r\n\r\n")])
@example([PLAIN, b"GET / HTTP/1.0\r\nAccept: a\r\naccept: b\r\nContent-Type: c\r\n\r\n"])
@example([PLAIN, b"PUT / HTTP/1.1\r\nScript_Name: /x\r\nContent-Length: 1\r\n\r\n1", PLAIN])
def test_the_environment_is_the_one_that_gunicorn_makes(
    client: Any, server: Any, packets: list[bytes]
) -> None:
    config, connection = Config(), Connection(client, server)
    for sent in packets:
        connection.sock.sent.clear()
        try:
            request = next(Parser(config, Socket(sent, 8192), client))
        except (errors.ParseException, OSError, StopIteration):
            continue
        plain = next(RequestParser(config, Socket(sent, 8192), client))
        try:
            _, wanted = wsgi.create(plain, connection.sock, client, server, config)
        except errors.ConfigurationProblem:
            continue
        told = connection.sock.sent[:]
        _, made = environs.create(request, connection, config)
        assert connection.sock.sent == told * 2, "100 Continue, or not"
        wanted["wsgi.multithread"] = True
        for own in ("wsgi.input", "wsgi.errors", "wsgi.early_hints"):
            assert type(made.pop(own)) is type(wanted.pop(own))
        assert made == wanted


def test_a_proxy_says_of_the_first_request_alone_who_asks_as_it_does_to_gunicorn() -> None:
    config = configured(proxy_protocol="v1")
    connection = Connection(TRUSTED, ("127.0.0.1", 8080))
    sent = b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" + PLAIN * 3
    clients: list[list[str]] = [[], []]
    for request in Parser(config, Socket(sent, 8192), TRUSTED):
        clients[0].append(environs.create(request, connection, config)[1]["REMOTE_ADDR"])
    for request in RequestParser(config, Socket(sent, 8192), TRUSTED):
        _, environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, config
        )
        clients[1].append(environ["REMOTE_ADDR"])
    assert clients[0] == clients[1] == ["192.0.2.7", TRUSTED[0], TRUSTED[0]]


def test_the_first_environment_of_a_connection_serves_the_next_ones() -> None:
    config, connection = Config(), Connection(STRANGER, ("127.0.0.1", 8080))
    parser = Parser(config, Socket(PLAIN * 2, 8192), STRANGER)
    environs.create(next(parser), connection, config)
    common = dict(connection.common or {})
    assert common["REMOTE_ADDR"] == STRANGER[0]
    _, second = environs.create(next(parser), connection, config)
    assert second["wsgi.errors"] is common["wsgi.errors"]
    assert "HTTP_HOST" not in common

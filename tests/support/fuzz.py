"""Raw requests that a hostile or broken client may send: well-formed, odd and damaged ones."""

import json
import random
from typing import Final

_CODECS: Final = (
    *("hex", "base64", "zlib", "bz2", "uu", "quopri", "rot13", "undefined", "unicode_escape"),
    *("raw_unicode_escape", "idna", "punycode", "utf-7", "utf-16", "mbcs", "x", "", "utf-8", "é"),
)
_METHODS: Final = (
    *("GET", "GET", "GET", "GET", "HEAD", "HEAD", "PUT", "PUT", "DELETE", "POST", "PATCH"),
    *("OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G", "PRI", "X" * 21, "GE T", "\x00"),
)
_PATHS: Final = (
    *("/ports", "/ports", "/ports/AEAJM", "/ports/aeajm", "/ports/XXXXX", "/ports/x", "/ports/"),
    *("/ready", "/live", "/metrics", "/openapi.json", "/docs", "/", "//", "/%2e%2e/", "/../etc"),
    *("/docs/static/ninja/favicon.svg", "/docs/static/", "/docs/static/ninja/%00", "*", "x", ""),
    *("http://x/ports", "http://[/ports", "http://x:y/ports", "x:80", "/ports\\AEAJM", "/é", "/%"),
    *("/%ED%A0%80", "/%ff%fe", "/ports/%F0%9F%98%80", "/ports/AEAJ%0a", "/ports;a=b/AEAJM", "/#x"),
)
_QUERIES: Final = (
    *("q=a", "q=%ED%A0%80", "q=%5Cud800", "q=%00", "q=", "q", "=", "&", "&" * 1001, "limit=1"),
    *(
        "limit=1&limit=2",
        "limit=99999999999999999999",
        "limit=-1",
        "limit=1e3",
        "limit=\u0661",
        "cursor=x",
    ),
    *(
        "cursor=AEAJM&limit=3",
        "country=Japan",
        "country=%ff",
        "q=%C3%28",
        "%=%",
        "q[]=a",
        "a=b;c=d",
    ),
    *("country=" + "%F0%9D%94%B8" * 60, "q=" + "x" * 101, "q=" + "x" * 3100, "q=\udc80", "?", "#"),
)
_PORT: Final = {"name": "Rawhaven", "city": "Rawhaven", "country": "Utopia"}
_BODIES: Final = (
    *(b"", b"{}", b"[]", b"null", b"{", b'{"name":NaN}', b'{"name":"\xff"}', b'{"name":"\\ud800"}'),
    *(json.dumps(_PORT).encode(), json.dumps({**_PORT, "coordinates": [1, 2]}).encode()),
    *(
        b'{"name":' + b"1" * 5000 + b"}",
        b"[" * 9999,
        b'{"":{"":{}}}',
        b"\x1f\x8b\x08\x00",
        b"a=b&c=d",
    ),
    *(
        b" " * 70_000,
        b"\x00" * 100,
        b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
        b"x" * 3,
    ),
    *(b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n",),
    *(json.dumps({**_PORT, "name": "a\u0000b"}).encode(), json.dumps({**_PORT, "x": 1}).encode()),
)
_CHUNKED: Final = (
    *(
        b"0\r\n\r\n",
        b"2\r\n{}\r\n0\r\n\r\n",
        b"2;x=y\r\n{}\r\n0\r\nX: y\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
    ),
    *(
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"zz\r\n",
        b"ffffffffffffffffff\r\n{}",
        b"2\n{}\n0\n\n",
        b"2\r\n{",
        b"",
    ),
    *(
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nA B: c\r\n\r\n",
        b'2;x="\r\n{}\r\n0\r\n\r\n',
        b"0x2\r\n",
    ),
)
_TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
_FIELDS: Final = {
    "Host": (
        "",
        "x",
        "x:80",
        "x:y",
        "[::1]",
        "[::1",
        "a b",
        "é",
        "user:pw@x",
        "x" * 300,
        "x,y",
        "%00",
    ),
    "Content-Type": (
        *(f"text/plain; charset={codec}" for codec in _CODECS),
        *(f"application/json; charset={codec}" for codec in _CODECS),
        *(f"application/json; x*={codec}''%41" for codec in _CODECS),
        *(
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=b",
        ),
        *(
            "multipart/form-data",
            "multipart/form-data; boundary=é",
            ";",
            ";;=;",
            "x",
            'a;b="',
            "é/é",
        ),
        *("application/json; charset*=utf-8''%00", "application/json; charset*0*=a; charset*1*=b"),
    ),
    "Accept": (
        *("*/*", "application/json", "application/x-ndjson", "application/json; charset=utf-8"),
        *(
            "text/html",
            "",
            ",",
            ";",
            "q=1",
            "*/*;q=nan",
            "*/*;q=1e999",
            "a/b;x*=hex''%41",
            '"',
            "\\",
        ),
        *(
            "application/openmetrics-text; version=1.0.0",
            "text/plain; version=x; escaping=y",
            "é/*",
        ),
        *(
            "application/openmetrics-text;version=9.9.9;escaping=allow-utf-8",
            "a/b," * 900,
            "*/json",
        ),
    ),
    "If-Match": (
        "*",
        '"a"',
        '"a,b"',
        'W/"a"',
        "x",
        "",
        ",",
        '"',
        '"é"',
        '"a"' * 500,
        "*,*",
        '"a",' * 900,
    ),
    "If-None-Match": ("*", '"a"', '"a,b"', 'W/"a"', "x", "", ",", '"', '"é"', '"a", ' * 900),
    "If-Modified-Since": (
        "x",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 99 Nov 99999 99:99:99 GMT",
        "",
    ),
    "Range": ("bytes=0-1", "bytes=-", "bytes=9999999999999999999999-", "x", "bytes=5-1,,"),
    "Authorization": ("Bearer", "Bearer é", "Basic x", "", "Bearer " + "x" * 5000, "bearer\tx"),
    "Content-Length": (
        "0",
        "1",
        "5",
        "-1",
        "+1",
        "1e3",
        "x",
        "",
        "1" * 5000,
        "\u0663",
        "²",
        "1,1",
        "0x1",
        "70000",
    ),
    "Transfer-Encoding": (
        "chunked",
        "Chunked",
        "gzip, chunked",
        "br",
        "identity",
        "",
        "x",
        "chunked, chunked",
    ),
    "Content-Encoding": ("gzip", "identity", "br, gzip", "", "é"),
    "Expect": ("100-continue", "x", ""),
    "Connection": (
        "close",
        "keep-alive",
        "Upgrade",
        "x",
        "",
        "close, x",
        "Upgrade, HTTP2-Settings",
    ),
    "Upgrade": ("h2c", "websocket", "x"),
    "HTTP2-Settings": ("AAMAAABkAAQAAP__", "!", ""),
    "Cookie": ("a=b", "=", ";;;", '"', "é=é", "a=" + "x" * 4000, "\\073"),
    "User-Agent": ("x", "", "é", "x" * 4000, "Googlebot", "() { :;}"),
    "X-Request-ID": ("", "a b", "x" * 129, "é", "\x7f", "%00"),
    "X-Request-Start": (
        "t=1",
        "t=nan",
        "t=inf",
        "t=-1",
        "t=" + "9" * 400,
        "x",
        "",
        "1e308",
        "t=\u0661",
    ),
    "X-Forwarded-For": (
        "192.0.2.1",
        "x",
        ",",
        "",
        "::1%x",
        "[::1]:80",
        "1.1.1.1," * 500,
        "é",
        "999.1.1.1",
    ),
    "X-Forwarded-Proto": ("https", "http", "x", "", "https,http"),
    "X-Forwarded-Ssl": ("on", "off", "x"),
    "X-Forwarded-Host": ("x", "[", "é"),
    "Forwarded": ("for=x", ";;", 'for="'),
    "SCRIPT_NAME": ("/ports", "\xff", "/", "x", ""),
    "PATH_INFO": ("/metrics", "\xff"),
    "traceparent": (
        f"00-{_TRACE}-b7ad6b7169203331-01",
        "00-0-0-0",
        "é",
        "",
        "ff" * 30,
        f"00-{_TRACE}-0",
    ),
    "tracestate": ("a=b", "=", ",", "é", "a=b," * 500, "a" * 300 + "=b"),
    "baggage": ("a=b", "=", ",;=", "é=%ff", "a=%00", "a=b," * 500, "a=" + "x" * 5000),
    "TE": ("trailers", "x"),
    "Trailer": ("X", "é"),
    "Proxy": ("http://x",),
    "X Y": ("a",),
    "": ("a",),
    "é": ("a",),
    " Folded": ("a",),
    "X": ("a\r\n b", "\x00", "\x7f", "\r", "\n", "\xff" * 10, "x" * 9000),
}
_VERSIONS: Final = ("HTTP/1.1",) * 12 + (
    "HTTP/1.0",
    "HTTP/2.0",
    "HTTP/9.9",
    "HTTP/1.10",
    "http/1.1",
    "",
    "X",
)
_DAMAGE: Final = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b":",
    b" ",
    b"\t",
    b"%",
    b"\r\n\r\n",
    b'"',
    b",",
    b";",
)


def request(draw: random.Random, token: str) -> bytes:
    """Return one request, damaged in two of five cases.

    Args:
        draw: Where chance comes from: the same seed yields the same requests.
        token: The bearer token that may write; some requests carry it.
    """
    target = draw.choice(_PATHS)
    if draw.random() < 0.4:
        target += "?" + draw.choice(_QUERIES)
    lines = [f"{draw.choice(_METHODS)} {target} {draw.choice(_VERSIONS)}"]
    fields = {
        name: draw.choice(_FIELDS[name])
        for name in draw.choices(tuple(_FIELDS), k=draw.randrange(5))
    }
    if draw.random() < 0.9:
        fields["Host"] = "x"
    if draw.random() < 0.3:
        fields["Authorization"] = f"Bearer {token}"
    body = b""
    if draw.random() < 0.5:
        body = _framed(draw, fields)
    lines += [f"{name}: {value}" for name, value in fields.items()]
    sent = ("\r\n".join(lines) + "\r\n\r\n").encode(
        draw.choice(("latin-1", "utf-8")), "replace"
    ) + body
    while draw.random() < 0.3:
        sent = _damaged(draw, sent)
    return sent


def _framed(draw: random.Random, fields: dict[str, str]) -> bytes:
    """Return a body, and say in the fields how long it is: rightly in most cases."""
    if draw.random() < 0.2:
        fields["Transfer-Encoding"] = "chunked"
        return draw.choice(_CHUNKED)
    body = draw.choice(_BODIES)
    if draw.random() < 0.5:
        fields["Content-Type"] = "application/json"
    fields["Content-Length"] = str(max(0, len(body) + draw.choice((0, 0, 0, 0, 1, 100, -1))))
    return body


def _damaged(draw: random.Random, sent: bytes) -> bytes:
    start = draw.randrange(len(sent) + 1)
    end = min(len(sent), start + draw.choice((0, 0, 1, 2, 10, 100)))
    kind = draw.randrange(4)
    if kind == 0:
        return sent[:start]
    if kind == 1:
        return sent[:end] + sent[start:]
    return sent[:start] + (draw.choice(_DAMAGE) if kind == 2 else draw.randbytes(3)) + sent[end:]

"""gunicorn's request, read at once where its head is there at once."""

import re
from functools import lru_cache
from typing import Any, Final

from gunicorn.http import body, message, parser

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# A head that no parser could take for anything else: a path, one line a field, nothing folded.
_HEAD: Final = re.compile(
    rb"([A-Z]{3,20}) ((/[!\"$->@-~]*)(?:\?([!\"$-~]*))?) HTTP/1\.([01])\r\n"
    rb"((?:" + _TOKEN + rb":[\t -~\x80-\xff]*\r\n)*)\r\n"
)
_FRAMES: Final = frozenset({"CONTENT-LENGTH", "TRANSFER-ENCODING"})
# Fields that gunicorn has rules for, besides those that it is configured to have rules for.
_RULED: Final = message.RFC9110_5_3_SINGLETON_FIELDS | {"EXPECT"}
_NAMES: Final = 1024


@lru_cache(maxsize=_NAMES)
def _upper(name: str) -> str:
    return name.upper()


@lru_cache(maxsize=_NAMES)
def _is_trusted(cfg: Any, address: str) -> bool:
    return bool(
        message._ip_in_allow_list(  # noqa: SLF001 -- what the base asks at every request
            address, cfg.forwarded_allow_ips, cfg.forwarded_allow_networks()
        )
    )


class Request(message.Request):  # type: ignore[misc]
    """A request of HTTP/1.

    gunicorn's parser reads line by line. Here, one expression reads a head that arrived whole and
    looks like nearly all heads. Every other head is the base's, as are the rules about fields.
    Both make the same of the same bytes (tests/unit/telemetry_fast/test_requests.py).

    Attributes:
        is_plain: Whether its environment is made of its fields, its line and its connection alone.
    """

    is_plain = False
    _is_framed = True
    _closes: bool | None = None

    def _peer_is_trusted_proxy(self) -> bool:
        peer = self.peer_addr
        return not isinstance(peer, tuple) or _is_trusted(self.cfg, peer[0])

    def _parse_python(self, unreader: Any, buf: bytearray) -> bytes:
        found = _HEAD.match(buf)
        # The line and each field are shorter than the head.
        if found is None or found.end() > min(
            self.limit_request_line, self.limit_request_field_size
        ):
            return bytes(super()._parse_python(unreader, buf))
        lines = found[6].decode("latin-1").split("\r\n")[:-1]
        if len(lines) > self.limit_request_fields:
            return bytes(super()._parse_python(unreader, buf))
        method, uri, path, query, minor = found.group(1, 2, 3, 4, 5)
        self.method = method.decode()
        self.uri = uri.decode()
        self.path = path.decode()
        self.query = query.decode() if query else ""
        self.fragment = ""
        self.version = (1, int(minor))
        self._take_fields(lines)
        return bytes(buf[found.end() :])

    def _take_fields(self, lines: list[str]) -> None:
        secure, forwarders = self._peer_trusted_for_forwarded()
        scheme_state, seen = [False], set[str]()
        is_plain, is_framed = True, False
        for line in lines:
            name, _, value = line.partition(":")
            name, value = _upper(name), value.strip(" \t")
            if name in _RULED or name in secure or "_" in name:
                is_plain = is_plain and name != "EXPECT" and "_" not in name
                if not self._apply_header_policy(
                    name, value, scheme_state, seen, secure, forwarders
                ):
                    continue
            elif name in _FRAMES:
                is_framed = True
            self.headers.append((name, value))
        self.is_plain = is_plain and self.proxy_protocol_info is None
        self._is_framed = is_framed

    def set_body_reader(self) -> None:
        """Find out what follows the head."""
        if self._is_framed:
            super().set_body_reader()
        else:
            self.body = body.Body(body.LengthReader(self.unreader, 0))

    def should_close(self) -> bool:
        """Say whether the connection ends with this request."""
        if self._closes is None:
            self._closes = bool(super().should_close())
        return self._closes or bool(self.must_close)


class Parser(parser.RequestParser):  # type: ignore[misc]
    """The requests of one connection."""

    mesg_class = Request

    def finish_body(self, *args: Any, **kwargs: Any) -> bool:
        """Read what the application left of the last request's body; say whether that was all."""
        if self.mesg is not None and not self.mesg._is_framed:  # noqa: SLF001 -- of this module
            return True
        return bool(super().finish_body(*args, **kwargs))

"""Spans as OTLP protobuf, several times faster than by the official encoder.

Nearly every span is plain and is written by hand, its attributes from memory. Rarer content
(events, links, an error's description, lists) goes through the official encoder, span by span. The
README of the package explains more.
"""

# ruff: noqa: SLF001 -- a span's own attributes; the test compares what comes of them

import struct
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from telemetry import names

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from telemetry_fast.spans import LeanSpan

# https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto and
# common/v1/common.proto: the tag of a field is its number * 8 + its wire type.
_IDS: Final = struct.Struct(">2sQQ2sQ")  # trace_id = 1, span_id = 2
_PARENT: Final = struct.Struct(">2sQ")  # parent_span_id = 4
_REST: Final = struct.Struct("<cQcQ2sI2s")  # start = 7, end = 8, flags = 16, empty status = 15
_DOUBLE: Final = struct.Struct("<cd")  # AnyValue.double_value = 4
_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200
_LOW: Final = (1 << 64) - 1

# As nearly every length and number is: made once.
_SHORT: Final = [
    *(bytes((number,)) for number in range(0x80)),
    *(bytes((number & 0x7F | 0x80, number >> 7)) for number in range(0x80, 0x400)),
]

_REMEMBERED: Final = 2048
_LONGEST_REMEMBERED: Final = 256  # bytes
_MOST_FRAMES: Final = 64
_UNIQUE: Final = frozenset({names.ATTR_REQUEST_ID})  # to remember them would be to forget others
# Values are remembered by key and value, and to Python 1, 1.0 and True are equal. So only texts are
# remembered, and keys whose values are integers by the conventions. A 1.0 there is written as 1.
_INTEGERS: Final = frozenset({names.ATTR_SERVER_PORT, names.ATTR_CLIENT_PORT, names.ATTR_STATUS})
# A thread may keep the interpreter for 5 ms. Without a break, a batch of 512 spans delays requests.
# With breaks, p99 at half of the highest rate fell from 10 to 5 ms. Spans of ours come encoded;
# these are an instrumentation's.
_AT_ONCE: Final = 16


class _Rare(Exception):
    """Something that only the official encoder writes."""


class Encoded(bytes):
    """A request in the form that the official exporter sends."""

    def SerializePartialToString(self) -> bytes:  # noqa: N802 -- protobuf's name
        """Return the bytes."""
        return self


class Ready:
    """A span that has ended, encoded as it stands within its scope: all that its export needs."""

    __slots__ = ("encoded", "tracer")

    def __init__(self, span: "LeanSpan") -> None:
        """Encode a span, which is not to change any more."""
        self.encoded = _field(b"\x12", _span(span))
        self.tracer = type(span)  # each tracer has a class of its own, with resource and scope


def encode_spans(spans: "Sequence[ReadableSpan | Ready]") -> Encoded:
    """Return an ExportTraceServiceRequest of these spans, as the official function does."""
    groups: dict[object, tuple[Any, list[bytes]]] = {}
    foreign = 0
    for span in spans:
        source: Any
        key: object
        if type(span) is Ready:
            key = source = span.tracer
            encoded = span.encoded
        else:
            if foreign % _AT_ONCE == 0:
                time.sleep(0)  # lets a request's thread run that waits for the interpreter
            foreign += 1
            source = span
            key = id(source._resource), id(source._instrumentation_scope)
            encoded = _field(b"\x12", _span(source))
        if key in groups:
            groups[key][1].append(encoded)
        else:
            groups[key] = (source, [encoded])
    return Encoded(b"".join([_resource_spans(*group) for group in groups.values()]))


# By the ids of a resource and a scope, which are held and so kept from being given again.
_frames: dict[tuple[int, int], tuple[bytes, bytes, object]] = {}


def _frame(resource: Any, scope: Any) -> tuple[bytes, bytes]:
    """Return a resource and a scope, as the official encoder writes them around a span."""
    key = (id(resource), id(scope))
    if key not in _frames:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import INVALID_SPAN_CONTEXT

        if len(_frames) >= _MOST_FRAMES:
            _frames.clear()
        span = ReadableSpan(
            "", INVALID_SPAN_CONTEXT, resource=resource, instrumentation_scope=scope
        )
        frame = _official(span)
        around = frame.scope_spans.pop()
        del around.spans[:]
        _frames[key] = (frame.SerializeToString(), around.SerializeToString(), (resource, scope))
    return _frames[key][:2]


def _resource_spans(source: Any, spans: list[bytes]) -> bytes:
    resource, scope = _frame(source._resource, source._instrumentation_scope)
    return _field(b"\x0a", resource + _field(b"\x12", b"".join((scope, *spans))))


def _official(span: "ReadableSpan") -> Any:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    return encode_spans((span,)).resource_spans[0]


def _span(span: "ReadableSpan") -> bytes:
    # The properties of a span are a call each, and copy what they return.
    context, parent, attributes = span._context, span._parent, span._attributes
    if span._events or span._links or context is None or attributes is None:
        return _rare(span)
    trace_id, span_id, _, _, state, _ = context
    status = span._status
    if state or status._description or status._status_code._value_:
        return _rare(span)
    if getattr(attributes, "dropped", 0):
        return _rare(span)
    parts = [_IDS.pack(b"\x0a\x10", trace_id >> 64, trace_id & _LOW, b"\x12\x08", span_id)]
    flags = _HAS_IS_REMOTE
    if parent is not None:
        parts.append(_PARENT.pack(b"\x22\x08", parent.span_id))
        if parent.is_remote:
            flags |= _IS_REMOTE
    parts.append(_name(span._name, span._kind._value_))
    begun, ended = span._start_time, span._end_time
    parts.append(_REST.pack(b"\x39", begun, b"\x41", ended, b"\x85\x01", flags, b"\x7a\x00"))
    try:
        if not isinstance(attributes, dict):  # bounded: it would answer through two layers
            attributes = attributes.copy()  # type: ignore[attr-defined]
        for item in attributes.items():
            # A comprehension would be one more call, for hardly any attributes.
            parts.append(_remembered.get(item) or _attribute(*item))  # noqa: PERF401
    except (_Rare, TypeError, UnicodeEncodeError):
        # Not hashable, or half a character: the official encoder drops that attribute alone.
        return _rare(span)
    return b"".join(parts)


def _rare(span: "ReadableSpan") -> bytes:
    encoded: bytes = _official(span).scope_spans[0].spans[0].SerializeToString()
    return encoded


@lru_cache(maxsize=_REMEMBERED)
def _name(name: str, kind: int) -> bytes:
    # The API counts kinds from 0, the protocol from 1.
    return _field(b"\x2a", name.encode()) + b"\x30" + _varint(kind + 1)


_remembered: dict[tuple[str, object], bytes] = {}


def _attribute(key: str, value: object) -> bytes:
    """Encode an attribute; remember it where it may come again."""
    content = _value(value)
    encoded = _field(b"\x4a", _key(key) + _varint(len(content)) + content)
    kind = type(value)
    may_come_again = (kind is str and key not in _UNIQUE) or (kind is int and key in _INTEGERS)
    if may_come_again and len(content) <= _LONGEST_REMEMBERED:
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()  # what comes often is soon there again
        _remembered[key, value] = encoded
    return encoded


@lru_cache(maxsize=_REMEMBERED)
def _key(key: str) -> bytes:
    return _field(b"\x0a", key.encode()) + b"\x12"


def _value(value: object) -> bytes:
    match value:
        case str():
            return _field(b"\x0a", value.encode())
        case bool():
            return b"\x10" + _varint(value)
        case int() if -(1 << 63) <= value < 1 << 63:
            return b"\x18" + _varint(value & _LOW)
        case float():
            return _DOUBLE.pack(b"\x21", value)
    raise _Rare


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if number < len(_SHORT):
        return _SHORT[number]
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 -- seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

"""Spans as OTLP protobuf, several times faster than by the official encoder.

The plain span, which is nearly every one, is written by hand, its attributes from memory; whatever
is rarer (events, links, an error's description, values that are lists) goes through the official
encoder, span by span. Decision record 0051 has the figures.
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

# https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto and
# common/v1/common.proto: the tag of a field is its number * 8 + its wire type.
_IDS: Final = struct.Struct(">2sQQ2sQ")  # trace_id = 1, span_id = 2
_PARENT: Final = struct.Struct(">2sQ")  # parent_span_id = 4
_TIMES: Final = struct.Struct("<cQcQ2sI")  # start = 7, end = 8, flags = 16
_DOUBLE: Final = struct.Struct("<cd")  # AnyValue.double_value = 4
_EMPTY_STATUS: Final = b"\x7a\x00"  # status = 15
_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200
_LOW: Final = (1 << 64) - 1

_SHORT: Final = [bytes((number,)) for number in range(0x80)]

_REMEMBERED: Final = 2048
_LONGEST_REMEMBERED: Final = 256
_MOST_FRAMES: Final = 64
_UNIQUE: Final = frozenset({names.ATTR_REQUEST_ID})  # to remember them would be to forget others
# A thread may keep the interpreter for 5 ms. Encoded without a break, 512 spans take as long, which
# was the tail of the latency: with breaks, p99 at half of the highest rate fell from 10 to 5 ms.
# Spans of ours come encoded; these are an instrumentation's.
_AT_ONCE: Final = 16


class _Rare(Exception):
    """Something that only the official encoder writes."""


class Encoded(bytes):
    """A request in the form that the official exporter sends."""

    def SerializePartialToString(self) -> bytes:  # noqa: N802 -- protobuf's name
        """Return the bytes."""
        return self


class Ready:
    """A span that has ended, encoded: all that its export still needs."""

    __slots__ = ("encoded", "instrumentation_scope", "resource")

    def __init__(self, span: "ReadableSpan") -> None:
        """Encode a span, which is not to change any more."""
        self.encoded = _span(span)
        self.resource = span.resource
        self.instrumentation_scope = span.instrumentation_scope


def encode_spans(spans: "Sequence[ReadableSpan | Ready]") -> Encoded:
    """Return an ExportTraceServiceRequest of these spans, as the official function does."""
    groups: dict[tuple[int, int], list[ReadableSpan | Ready]] = {}
    for span in spans:
        groups.setdefault((id(span.resource), id(span.instrumentation_scope)), []).append(span)
    return Encoded(b"".join([_resource_spans(group) for group in groups.values()]))


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


def _resource_spans(spans: "list[ReadableSpan | Ready]") -> bytes:
    resource, scope = _frame(spans[0].resource, spans[0].instrumentation_scope)
    parts = [scope]
    for number, span in enumerate(spans):
        if isinstance(span, Ready):
            encoded = span.encoded
        else:
            if number % _AT_ONCE == 0:
                time.sleep(0)  # lets a request's thread run that waits for the interpreter
            encoded = _span(span)
        parts += (b"\x12", _varint(len(encoded)), encoded)
    return _field(b"\x0a", resource + _field(b"\x12", b"".join(parts)))


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
    parts.append(
        _TIMES.pack(b"\x39", span._start_time, b"\x41", span._end_time, b"\x85\x01", flags)
    )
    try:
        if not isinstance(attributes, dict):  # bounded: it would answer through two layers
            attributes = attributes.copy()  # type: ignore[attr-defined]
        for key, value in attributes.items():
            if key in _UNIQUE or (type(value) is str and len(value) > _LONGEST_REMEMBERED):
                parts.append(_attribute.__wrapped__(key, value))
            else:
                parts.append(_attribute(key, value))
    except (_Rare, TypeError, UnicodeEncodeError):
        # Not hashable, or half a character: the official encoder drops that attribute alone.
        return _rare(span)
    parts.append(_EMPTY_STATUS)
    return b"".join(parts)


def _rare(span: "ReadableSpan") -> bytes:
    encoded: bytes = _official(span).scope_spans[0].spans[0].SerializeToString()
    return encoded


@lru_cache(maxsize=_REMEMBERED)
def _name(name: str, kind: int) -> bytes:
    # The API counts kinds from 0, the protocol from 1.
    return _field(b"\x2a", name.encode()) + b"\x30" + _varint(kind + 1)


# Typed: 1, 1.0 and True are one key otherwise.
@lru_cache(maxsize=_REMEMBERED, typed=True)
def _attribute(key: str, value: object) -> bytes:
    match value:
        case bool():
            encoded = b"\x10" + _varint(value)
        case str():
            encoded = _field(b"\x0a", value.encode())
        case int() if -(1 << 63) <= value < 1 << 63:
            encoded = b"\x18" + _varint(value & _LOW)
        case float():
            encoded = _DOUBLE.pack(b"\x21", value)
        case _:
            raise _Rare
    return _field(b"\x4a", _field(b"\x0a", key.encode()) + _field(b"\x12", encoded))


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if number < 0x80:  # noqa: PLR2004 -- seven bits a byte
        return _SHORT[number]
    if number < 0x4000:  # noqa: PLR2004 -- as nearly every length is
        return bytes((number & 0x7F | 0x80, number >> 7))
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

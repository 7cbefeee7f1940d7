"""The SDK's spans with less around them, for those that this package makes.

A span of the SDK brings lists for events and links, a bounded and locked map of attributes and, at
its end, a copy of itself. Ours makes them when they are asked for; everything else is the SDK's
own. The README of the package explains more; tests/unit/telemetry_fast/test_spans.py compares both.
"""

# ruff: noqa: SLF001 -- a lean span is one of the SDK's with other insides; the test compares them

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import export, sampling
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState

from telemetry_fast import otlp

if TYPE_CHECKING:
    from opentelemetry.context import Context

_PLAIN: Final = frozenset((str, int, bool, float))
_USUAL_MOST: Final = 128
_NO_STATE: Final = TraceState()
_FLAGS: Final = tuple(TraceFlags(bits) for bits in range(4))
_SAMPLED: Final = int(TraceFlags.SAMPLED)
_RANDOM: Final = int(TraceFlags.RANDOM_TRACE_ID)
_LOW: Final = sampling.TraceIdRatioBased.TRACE_ID_LIMIT

# Attributes, or what makes them once they are needed.
Given = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None


class _Attributes(dict[str, Any]):
    """A span's attributes; what is no plain value becomes what the SDK makes of it."""

    dropped = 0
    _immutable = False  # the SDK says so of a span that has ended; the span refuses by itself

    def __setitem__(self, key: str, value: Any) -> None:
        if type(value) not in _PLAIN:
            value = BoundedAttributes(attributes={key: value}).get(key)
        super().__setitem__(key, value)

    def _set_items(self, attributes: Mapping[str, Any]) -> None:
        if _PLAIN.issuperset(map(type, attributes.values())):
            self.update(attributes)
        else:
            for key, value in attributes.items():
                self[key] = value


class _Unlocked:
    """A request's span is its own thread's until it ends: nobody else waits for it."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class LeanSpan(sdk.Span):
    """A recording span; each tracer has a subclass with what its spans have in common."""

    _events = _links = ()
    _status = trace.Status()
    _record_exception = _set_status_on_exception = True
    _end_time: int | None = None
    _instrumentation_info = None
    _lock = _Unlocked()  # type: ignore[assignment]
    _queue: "_Queue"

    def begin(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
    ) -> None:
        """Set what the bases' constructors would, less what costs; none of them has run."""
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = kind
        self._attributes = made = _Attributes()
        if attributes:
            made._set_items(attributes)
        self._start_time = time.time_ns()

    def _add_event(self, event: Any) -> None:
        if self._events == ():
            self._events = self._new_events()  # type: ignore[no-untyped-call]
        super()._add_event(event)

    def _add_link(self, link: trace.Link) -> None:
        if self._links == ():
            self._links = self._new_links(())
        super()._add_link(link)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes, as long as the span has not ended."""
        if self._end_time is None:
            self._attributes._set_items(attributes)  # type: ignore[union-attr]
        else:
            super().set_attributes(attributes)

    def update_name(self, name: str) -> None:
        """Rename the span, as long as it has not ended."""
        if self._end_time is None:
            self._name = name
        else:
            super().update_name(name)

    def end(self, end_time: int | None = None) -> None:
        """End; from now on nothing of the span changes, so that it is its own read-only copy."""
        if self._end_time is not None:
            return
        processor, queue = self._span_processor, self._queue
        if queue.fed_by is not None and processor._span_processors is queue.fed_by:  # type: ignore[attr-defined]
            self._end_time = time.time_ns() if end_time is None else end_time
            queue.take(self)
            return
        processor._on_ending(self)
        self._end_time = time.time_ns() if end_time is None else end_time
        processor.on_end(self)


class _Queue:
    """The one batch processor that a provider usually has, without the layers around it.

    Attributes:
        fed_by: The provider's processors while it alone would see a span: another one that comes
            replaces them. None if there is more to a span's end from the start.
    """

    def __init__(self, processor: sdk.SpanProcessor) -> None:
        self.fed_by: tuple[sdk.SpanProcessor, ...] | None = None
        self._batches: Any = None
        self._encodes = False
        if type(processor) is sdk.SynchronousMultiSpanProcessor:
            known = processor._span_processors
            first = known[0] if len(known) == 1 else None
            if type(first) is export.BatchSpanProcessor:
                self.fed_by = known
                self._batches = first._batch_processor
                module = sys.modules[type(self._batches._exporter).__module__]
                self._encodes = vars(module).get("encode_spans") is otlp.encode_spans

    def take(self, span: LeanSpan) -> None:
        """Queue a span that has ended, if it is sampled.

        It is encoded here, where our encoder is the exporter's: the exporter's thread, which the
        requests' threads hardly ever let have the interpreter, could not keep up.
        """
        if not span._context[3] & _SAMPLED:  # type: ignore[index]
            return
        batches = self._batches
        queued: otlp.Ready | LeanSpan = span
        if self._encodes:
            try:
                queued = otlp.Ready(span)
            except Exception:  # noqa: BLE001 -- costs no request: the exporter will say so of it
                queued = span
        if batches._shutdown or len(batches._queue) + 1 >= batches._max_export_batch_size:
            batches.emit(queued)  # it refuses, drops or wakes the exporter
        else:
            batches._queue.appendleft(queued)


def _asks_nothing(sampler: sampling.Sampler) -> bool:
    """Say whether a sampler decides by a span's trace alone."""
    decides = getattr(type(sampler), "should_sample", None)
    if decides is sampling.ParentBased.should_sample:
        return all(_asks_nothing(one) for one in vars(sampler).values())
    return decides in {
        sampling.StaticSampler.should_sample,
        sampling.TraceIdRatioBased.should_sample,
    }


def _bound(sampler: sampling.Sampler) -> int | None:
    """Return below what a trace id's low half makes a sampler sample; None: it has to be asked."""
    if type(sampler) is sampling.TraceIdRatioBased:
        return sampler.bound
    return {id(sampling.ALWAYS_ON): _LOW + 1, id(sampling.ALWAYS_OFF): 0}.get(id(sampler))


class LeanTracer:
    """Starts a lean span wherever a tracer of the SDK would start a recording one."""

    def __init__(self, tracer: sdk.Tracer) -> None:
        self._ids = tracer.id_generator
        sampler: Any = tracer.sampler
        self._sampler: sampling.Sampler = sampler
        self._asks_nothing = _asks_nothing(sampler)
        is_usual = type(sampler).should_sample is sampling.ParentBased.should_sample
        # The decision for a span without a parent.
        self._root: sampling.Sampler = sampler._root if is_usual else sampler
        # The usual samplers sample each child of a sampled local parent: no need to ask.
        self._follows = sampler is sampling.ALWAYS_ON or (
            is_usual and sampler._local_parent_sampled is sampling.ALWAYS_ON
        )
        self._bound = _bound(self._root)
        common = {
            "_resource": tracer.resource,
            "_instrumentation_scope": tracer._instrumentation_scope,
            "_instrumentation_info": tracer.instrumentation_info,
            "_sampler": sampler,
            "_span_processor": tracer.span_processor,
            "_limits": tracer._span_limits,
            "_queue": _Queue(tracer.span_processor),
        }
        self._span = type("LeanSpan", (LeanSpan,), common)

    def start_span(
        self,
        name: str,
        context: "Context | None" = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Given = None,
    ) -> trace.Span:
        """Start a span below the one that is current in the context (by default, the current one).

        Returns:
            A span that records nothing where the sampler says so.
        """
        parent = trace.get_current_span(context)
        return self.start_below(parent, name, attributes, kind, context)

    def start_below(
        self,
        above: trace.Span,
        name: str,
        attributes: Given = None,
        kind: SpanKind = SpanKind.INTERNAL,
        context: "Context | None" = None,
    ) -> trace.Span:
        """Start a span below one; the context, or else the current one, is the sampler's to see."""
        parent: SpanContext | None = above.get_span_context()
        # A SpanContext is a tuple: its properties would be six calls.
        trace_id, _, is_remote, flags, state, is_valid = parent  # type: ignore[misc]
        ids = self._ids
        if is_valid and self._follows and not is_remote and flags & _SAMPLED:
            is_recording = True
        else:
            if not is_valid:
                parent, trace_id = None, ids.generate_trace_id()
                flags = _RANDOM if ids.is_trace_id_random() else 0
            if parent is None and (bound := self._bound) is not None:
                is_recording, state = trace_id & _LOW < bound, _NO_STATE
                flags |= _SAMPLED if is_recording else 0
            else:
                if not self._asks_nothing and callable(attributes):
                    attributes = attributes()
                given = None if callable(attributes) else attributes
                sampler = self._root if parent is None else self._sampler
                result = sampler.should_sample(context, trace_id, name, kind, given, ())
                is_recording = result.decision.is_recording()
                flags &= _RANDOM
                flags |= _SAMPLED if result.decision.is_sampled() else 0
                state = result.trace_state or _NO_STATE
                if not callable(attributes):
                    attributes = result.attributes
            flags = _FLAGS[flags]
        # As SpanContext's constructor makes it, which asks whether the ids are within bounds.
        made = (trace_id, ids.generate_span_id(), False, flags, state, True)
        own = tuple.__new__(SpanContext, made)
        if not is_recording:
            return trace.NonRecordingSpan(own)
        if callable(attributes):
            attributes = attributes()
        span: LeanSpan = object.__new__(self._span)  # the base refuses a class not its own
        span.begin(name, own, parent, kind, attributes)
        return span


def lean(tracer: trace.Tracer) -> LeanTracer | None:
    """Return a lean tracer of the same scope.

    There is none where something is set that lean spans leave out: limits of a span's attributes,
    or the SDK's metrics about itself.
    """
    made = tracer._tracer if isinstance(tracer, trace.ProxyTracer) else tracer
    own_metrics = os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "")
    if type(made) is not sdk.Tracer or own_metrics.strip().lower() == "true":
        return None
    limits = made._span_limits
    usual = (limits.max_span_attributes, limits.max_span_attribute_length) == (_USUAL_MOST, None)
    return LeanTracer(made) if usual else None

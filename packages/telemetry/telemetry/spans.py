"""The SDK's spans with less around them, for those that this package makes.

A span of the SDK brings lists for events and links, a bounded and locked map of attributes and, at
its end, a copy of itself. Ours makes them when they are asked for; everything else is the SDK's
own. Decision record 0050 has the figures, tests/unit/telemetry/test_spans.py what has to be equal.
"""

# ruff: noqa: SLF001 -- a lean span is one of the SDK's with other insides; the test compares them

import os
import time
from typing import TYPE_CHECKING, Any, Final, Self

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

_PLAIN: Final = (str, int, bool, float)
_USUAL_MOST: Final = 128
_UNSET: Final = trace.Status()
_NO_STATE: Final = TraceState()


class _Attributes(dict[str, Any]):
    """A span's attributes; what is no plain value becomes what the SDK makes of it."""

    dropped = 0
    _immutable = False  # the SDK says so of a span that has ended; the span refuses by itself

    def __setitem__(self, key: str, value: Any) -> None:
        if type(value) not in _PLAIN:
            value = BoundedAttributes(attributes={key: value}).get(key)
        super().__setitem__(key, value)

    def __init__(self, attributes: "Mapping[str, Any] | None") -> None:
        super().__init__()
        if attributes:
            self._set_items(attributes)

    def _set_items(self, attributes: "Mapping[str, Any]") -> None:
        for key, value in attributes.items():
            self[key] = value


class LeanSpan(sdk.Span):
    """A recording span."""

    def __new__(cls, *_: object, **__: object) -> Self:
        """Make one without the base's refusal of a class that is not its own."""
        return object.__new__(cls)

    def __init__(
        self,
        tracer: sdk.Tracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: "Mapping[str, Any] | None",
    ) -> None:
        # What the bases' constructors set, less what costs.
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = kind
        self._attributes = _Attributes(attributes)
        self._events = self._links = ()
        self._resource = tracer.resource
        self._instrumentation_scope = tracer._instrumentation_scope
        self._instrumentation_info = tracer.instrumentation_info
        self._status = _UNSET
        self._sampler = tracer.sampler
        self._span_processor = tracer.span_processor
        self._limits = tracer._span_limits
        self._lock = _Unlocked()  # type: ignore[assignment]
        self._record_exception = self._set_status_on_exception = True
        self._end_time: int | None = None
        self._start_time = time.time_ns()

    def _add_event(self, event: Any) -> None:
        if self._events == ():
            self._events = self._new_events()  # type: ignore[no-untyped-call]
        super()._add_event(event)

    def _add_link(self, link: trace.Link) -> None:
        if self._links == ():
            self._links = self._new_links(())
        super()._add_link(link)

    def end(self, end_time: int | None = None) -> None:
        """End; from now on nothing of the span changes, so that it is its own read-only copy."""
        if self._end_time is not None:
            return
        self._span_processor._on_ending(self)
        self._end_time = time.time_ns() if end_time is None else end_time
        self._span_processor.on_end(self)


class _Unlocked:
    """A request's span is its own thread's until it ends: nobody else waits for it."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class LeanTracer:
    """Starts a lean span wherever a tracer of the SDK would start a recording one."""

    def __init__(self, tracer: sdk.Tracer) -> None:
        self._tracer = tracer
        sampler = tracer.sampler
        # The usual samplers sample each child of a sampled local parent: no need to ask.
        self._follows = sampler is sampling.ALWAYS_ON or (
            type(sampler) is sampling.ParentBased
            and sampler._local_parent_sampled is sampling.ALWAYS_ON
        )

    def start_span(
        self,
        name: str,
        context: "Context | None" = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: "Mapping[str, Any] | None" = None,
    ) -> trace.Span:
        """Start a span below the one that is current in the context (by default, the current one).

        Returns:
            A span that records nothing where the sampler says so.
        """
        tracer = self._tracer
        parent = trace.get_current_span(context).get_span_context()
        below: SpanContext | None = parent if parent.is_valid else None
        if below and self._follows and not below.is_remote and below.trace_flags.sampled:
            trace_id, flags, state = below.trace_id, below.trace_flags, below.trace_state
            recording = True
        else:
            ids = tracer.id_generator
            trace_id = below.trace_id if below else ids.generate_trace_id()
            result = tracer.sampler.should_sample(context, trace_id, name, kind, attributes, ())
            is_random = below.trace_flags.random_trace_id if below else ids.is_trace_id_random()
            flags = TraceFlags(
                (TraceFlags.SAMPLED if result.decision.is_sampled() else TraceFlags.DEFAULT)
                | (TraceFlags.RANDOM_TRACE_ID if is_random else TraceFlags.DEFAULT)
            )
            state, attributes = result.trace_state or _NO_STATE, result.attributes
            recording = result.decision.is_recording()
        own = SpanContext(
            trace_id,
            tracer.id_generator.generate_span_id(),
            is_remote=False,
            trace_flags=flags,
            trace_state=state,
        )
        if not recording:
            return trace.NonRecordingSpan(own)
        return LeanSpan(tracer, name, own, below, kind, attributes)


def lean(tracer: trace.Tracer) -> LeanTracer | trace.Tracer:
    """Return a lean tracer of the same scope.

    That is the SDK's own where something is set that lean spans leave out: limits of a span's
    attributes, or the SDK's metrics about itself.
    """
    made = tracer._tracer if isinstance(tracer, trace.ProxyTracer) else tracer
    own_metrics = os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "")
    if type(made) is not sdk.Tracer or own_metrics.strip().lower() == "true":
        return made
    limits = made._span_limits
    usual = (limits.max_span_attributes, limits.max_span_attribute_length) == (_USUAL_MOST, None)
    return LeanTracer(made) if usual else made

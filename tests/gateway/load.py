"""Traces of several spans, sent through two agents at the times at which real spans end."""

import heapq
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

TICK_SECONDS: Final = 0.02
# From a trace's first span's start to its last span's end, which is below "slow".
TRACE_SECONDS: Final = 0.9
CHILDREN: Final = 4
ERROR_SHARE: Final = 0.8


class Due(NamedTuple):
    """A span that ends at a time, in a service that sends to an agent."""

    at: float
    order: int
    agent: int
    span: Span


@dataclass
class Sent:
    """A trace.

    Attributes:
        began: Unix time in seconds.
        failed: Whether one of its spans has an error.
        spans: IDs of its spans.
    """

    began: float
    failed: bool
    spans: set[bytes] = field(default_factory=set)


class Load:
    """Sends traces at a rate, until it is stopped; then the traces that were begun are ended."""

    def __init__(self, agents: list[str], rate: float, seed: int = 29) -> None:
        """Prepare to send.

        Args:
            agents: `host:port` of each agent's OTLP over gRPC.
            rate: Traces that begin each second.
            seed: Of the spans' times, errors and agents.
        """
        self.traces: dict[bytes, Sent] = {}
        self._stubs = [services.TraceServiceStub(grpc.insecure_channel(each)) for each in agents]
        self._rate, self._random = rate, random.Random(seed)  # noqa: S311 - no secret
        self._due: list[Due] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failure: Exception | None = None

    def start(self) -> None:
        """Begin to send, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no more traces, and wait until those that were begun are sent.

        Raises:
            grpc.RpcError: An agent refused spans.
        """
        self._stopped.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._send_all()
        except grpc.RpcError as error:
            self._failure = error

    def _send_all(self) -> None:
        begin = time.time()
        begun = 0
        while self._due or not self._stopped.is_set():
            now = time.time()
            while not self._stopped.is_set() and begun < (now - begin) * self._rate:
                self._trace(now)
                begun += 1
            self._send(now)
            time.sleep(TICK_SECONDS)

    def _trace(self, now: float) -> None:
        """Begin a trace: children in both services end during it, and the root ends last."""
        trace_id, root = self._random.randbytes(16), self._random.randbytes(8)
        seconds = self._random.uniform(0.1, TRACE_SECONDS)
        failed = self._random.random() < ERROR_SHARE
        bad = self._random.randrange(CHILDREN + 1)
        times = [sorted(self._random.uniform(0, seconds) for _ in "be") for _ in range(CHILDREN)]
        sent = self.traces[trace_id] = Sent(now, failed)
        for number, (start, end) in enumerate([*times, [0.0, seconds]]):
            is_root = number == CHILDREN
            span = Span(
                trace_id=trace_id,
                span_id=root if is_root else self._random.randbytes(8),
                parent_span_id=b"" if is_root else root,
                name="root" if is_root else "child",
                start_time_unix_nano=int((now + start) * 1e9),
                end_time_unix_nano=int((now + end) * 1e9),
            )
            if failed and number == bad:
                span.status.code = Status.STATUS_CODE_ERROR
            sent.spans.add(span.span_id)
            due = Due(now + end, len(self.traces) * 10 + number, number % len(self._stubs), span)
            heapq.heappush(self._due, due)

    def _send(self, now: float) -> None:
        ended: dict[int, list[Span]] = {}
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            ended.setdefault(due.agent, []).append(due.span)
        for agent, spans in ended.items():
            name = KeyValue(key="service.name", value=AnyValue(string_value=f"service-{agent}"))
            resource = ResourceSpans(
                resource=Resource(attributes=[name]), scope_spans=[ScopeSpans(spans=spans)]
            )
            request = messages.ExportTraceServiceRequest(resource_spans=[resource])
            self._stubs[agent].Export(request, timeout=10)

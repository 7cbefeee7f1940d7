"""A stand-in for Jaeger's OTLP receiver that remembers every span it was sent."""

import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

WORKERS: Final = 8


class Remembering(services.TraceServiceServicer):
    """Counts how often each span of each trace arrived, over restarts of the server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._seen: dict[bytes, Counter[bytes]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None

    def Export(  # noqa: N802 - the name of the RPC
        self, request: messages.ExportTraceServiceRequest, _: grpc.ServicerContext
    ) -> messages.ExportTraceServiceResponse:
        """Take spans."""
        with self._lock:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._seen[span.trace_id][span.span_id] += 1
        return messages.ExportTraceServiceResponse()

    def seen(self) -> dict[bytes, Counter[bytes]]:
        """How often each span arrived, by the IDs of its trace and itself."""
        with self._lock:
            return {trace: Counter(spans) for trace, spans in self._seen.items()}

    def start(self) -> None:
        """Listen."""
        self._server = grpc.server(ThreadPoolExecutor(WORKERS))
        services.add_TraceServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(self.address)
        self._server.start()

    def stop(self) -> None:
        """Go away, and keep what was counted."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None

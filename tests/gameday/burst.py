"""A burst of traces: so many senders, each with the next request as soon as the last is answered.

A process of its own, at a low priority, so that it measures the Collector and not the machine.
"""

import argparse
import json
import os
import secrets
import threading
import time
from collections import Counter
from typing import Final

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SPANS: Final = 3000  # a request
NOTE_BYTES: Final = 1000  # beside what every span has
LOW_PRIORITY: Final = 10
PATIENCE_SECONDS: Final = 60  # for a machine that is too busy to send a burst in its time


def text(key: str, value: str) -> KeyValue:
    """An attribute."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request() -> bytes:
    """One OTLP request, about three megabytes."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.append(text("service.name", "burst"))
    spans = resource.scope_spans.add().spans
    now = time.time_ns()
    for _ in range(SPANS):
        span = spans.add(name="burst", start_time_unix_nano=now, end_time_unix_nano=now + 1000)
        span.trace_id, span.span_id = secrets.token_bytes(16), secrets.token_bytes(8)
        span.attributes.append(text("note", "n" * NOTE_BYTES))
    body: bytes = message.SerializeToString()
    return body


def send(url: str, senders: int, seconds: float, requests: int, until: int) -> Counter[int]:
    """Send, and count the answers by status.

    Args:
        url: OTLP/HTTP base address.
        senders: How many send at once.
        seconds: For how long.
        requests: Of each sender, at most.
        until: Status that must have been answered before it ends, if patience allows; 0: none.
    """
    body, end = request(), time.monotonic() + seconds
    statuses: Counter[int] = Counter()

    def is_over() -> bool:
        late = time.monotonic() - end
        return late > (0 if until in {0, *statuses} else PATIENCE_SECONDS)

    def drive() -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        with httpx.Client(timeout=60, headers=headers) as client:
            for _ in range(requests):
                if is_over():
                    return
                statuses[client.post(f"{url}/v1/traces", content=body).status_code] += 1

    threads = [threading.Thread(target=drive) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def main() -> None:
    """Send, and print how many requests had each status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="OTLP/HTTP base address")
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=1_000_000, help="of each sender, at most")
    parser.add_argument("--until", type=int, default=0, help="status that must have come")
    options = parser.parse_args()
    os.nice(LOW_PRIORITY)
    print(json.dumps(send(**vars(options))))


if __name__ == "__main__":
    main()

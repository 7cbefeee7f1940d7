import subprocess
import sys

import pytest

# Modules whose loading is a price that only their users may pay.
HEAVY = ("django", "gunicorn", "opentelemetry", "prometheus_client", "structlog", "orjson")

PROGRAM = """
import sys, time
started = time.perf_counter()
import telemetry
print(time.perf_counter() - started)
log = telemetry.get_logger("x")
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_importing_the_package_loads_no_sdk_no_django_and_no_gunicorn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    seconds, modules = done.stdout.splitlines()
    print(f"import telemetry: {float(seconds) * 1000:.1f} ms")
    assert [name for name in HEAVY if f"'{name}'" in modules] == []


def test_a_span_that_nobody_records_loads_no_sdk() -> None:
    program = (
        "import sys, telemetry\nwith telemetry.span('x'): print('opentelemetry.sdk' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


STARTED_AFTER_PRELOADING = """
import os, sys
from telemetry import otel, tracing
otel.complete()
tracing.preload()
loaded = set(sys.modules)
tracing.start("harbour", "1", "1")
new = set(sys.modules) - loaded
print("requests" in loaded, "grpc" in loaded, "grpc" in new, len(new), flush=True)
os._exit(0)  # nobody listens: no flush
"""


@pytest.mark.parametrize(
    ("protocol", "loaded"), [("http/protobuf", "True False False"), ("grpc", "False False True")]
)
def test_the_http_exporter_loads_before_the_fork_and_grpc_after_it(
    protocol: str, loaded: str
) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    done = subprocess.run(
        [sys.executable, "-c", STARTED_AFTER_PRELOADING],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said, _, number = done.stdout.strip().rpartition(" ")
    assert said == loaded
    assert protocol == "grpc" or int(number) == 0, "a worker loads what it could have shared"

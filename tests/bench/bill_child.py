"""Handles requests in one thread, over and over, with ever more taken out: valgrind counts.

Run by bench_bill.py, under valgrind or bare. Prints one JSON object: by part taken out, the CPU
microseconds of a request; under valgrind, callgrind's dumps hold the instructions.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "seaports.settings"

from telemetry import accelerator, context, exemplars, logs, metrics, spans, tracing
from telemetry.django import middleware

from tests.bench.contenders import ITS_TAG, ONE_PORT

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": ONE_PORT,
    "RAW_URI": ONE_PORT,
    "QUERY_STRING": "",
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8080",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "127.0.0.1:8080",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "40000",
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
}

_TAG = "HTTP_IF_NONE_MATCH"


def application() -> Callable[[], None]:
    """Return a function that makes the loaded service handle one request."""
    logs.configure_logging("ports", open(os.devnull, "w"))  # noqa: PTH123, SIM115 - held
    from seaports.wsgi import application as wsgi  # noqa: PLC0415 - logging comes first

    tracing.preload()
    tracing.start("ports", "bill", "1")

    def started(status: str, *_: object) -> Callable[[bytes], object]:
        if not status.startswith("304" if _TAG in ENVIRON else "200"):
            raise RuntimeError(status)
        return len

    def request() -> None:
        context.arrived_at.set(time.monotonic())
        response = wsgi({**ENVIRON, "wsgi.input": io.BytesIO()}, started)
        for _ in response:
            pass
        response.close()

    return request


def ask_with_the_tag() -> None:
    ENVIRON[_TAG] = ITS_TAG


def ask_without_a_tag() -> None:
    del ENVIRON[_TAG]


class Nothing:
    """Takes the place of whatever is left out."""

    def do(self, *_: object, **__: object) -> None:
        """Do nothing, as cheaply as can be."""

    __exit__ = observe = inc = dec = info = debug = do

    def __enter__(self) -> None: ...


def flush() -> None:
    """Send what the exporter's thread still holds: it belongs to the requests before."""
    from opentelemetry import trace  # noqa: PLC0415

    with contextlib.suppress(AttributeError):
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]


def load_middleware() -> None:
    """Let Django take up what has changed: it holds on to middlewares' methods."""
    from seaports.wsgi import application as wsgi  # noqa: PLC0415

    wsgi.load_middleware()


def replace(module: object, name: str, other: object) -> None:
    """Put something in the place of what a module calls by this name.

    Raises:
        AttributeError: It calls nothing so: the bill would be wrong.
    """
    if name not in vars(module):
        raise AttributeError(f"{module} has no {name}: the bill's step is out of date")
    vars(module)[name] = other


def leave_out_export() -> None:
    from opentelemetry import trace  # noqa: PLC0415

    provider: Any = trace.get_tracer_provider()
    provider._active_span_processor._span_processors = ()


def leave_out_inner_spans() -> None:
    replace(spans, "begin", lambda *_: None)


def leave_out_server_span() -> None:
    from django.conf import settings  # noqa: PLC0415
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415
    from telemetry_fast.server_span import Instrumentor  # noqa: PLC0415

    before = len(settings.MIDDLEWARE)
    (Instrumentor if accelerator.load() else DjangoInstrumentor)().uninstrument()
    if len(settings.MIDDLEWARE) == before:
        raise RuntimeError("the server span's middleware is not among the settings")
    load_middleware()
    replace(tracing, "suppressed", Nothing)


def leave_out_access_line() -> None:
    replace(logs, "access", Nothing.do)


def leave_out_metrics() -> None:
    nothing = Nothing()
    for name in ("duration_of", "histogram", "store_operation"):
        replace(metrics, name, lambda *_: nothing)
    replace(middleware, "_active", lambda _: nothing)
    replace(exemplars, "of", lambda _: None)


def leave_out_request_id() -> None:
    replace(context, "begin", lambda _: "x")


def leave_out_the_middleware() -> None:
    middleware.Middleware.__call__ = (  # type: ignore[method-assign]
        lambda self, request: self._get_response(request)
    )
    middleware.Middleware.process_view = (  # type: ignore[method-assign]
        lambda *_: None
    )
    load_middleware()


def leave_out_the_answer() -> None:
    from django.http import HttpResponse  # noqa: PLC0415
    from seaports.adapters.http import reading  # noqa: PLC0415
    from seaports.bootstrap import use_cases  # noqa: PLC0415

    object.__setattr__(use_cases(), "get_port", lambda _: b"{}")
    replace(reading, "etag_of", lambda _: "")
    replace(reading, "json_response", lambda *_: HttpResponse(b"{}"))


STEPS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("exporter: queue, encoding, sending", leave_out_export),
    ("inner spans: use case, store", leave_out_inner_spans),
    ("server span and duration over OTLP", leave_out_server_span),
    ("access line", leave_out_access_line),
    ("metrics for /metrics", leave_out_metrics),
    ("request id", leave_out_request_id),
    ("rest of the middleware", leave_out_the_middleware),
    ("use case, entity tag, headers", leave_out_the_answer),
)


def main(requests: int, *, counting: bool) -> None:
    """Measure a 304, then a 200 with everything on, then with each step's part left out too."""
    request = application()
    found = []
    for state in (ask_with_the_tag, ask_without_a_tag, *(leave_out for _, leave_out in STEPS)):
        state()
        for _ in range(20 if counting else 300):
            request()
        flush()
        if counting:
            control("--instr=on")
        began = time.process_time()
        for _ in range(requests):
            request()
        flush()
        found.append((time.process_time() - began) / requests * 1e6)
        if counting:
            control("--instr=off")
            control("--dump")
    print(json.dumps(found))


def control(option: str) -> None:
    """Tell callgrind what to do in this process."""
    subprocess.run(
        ["callgrind_control", option, str(os.getpid())], check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), counting="count" in sys.argv[2:])
    os._exit(0)

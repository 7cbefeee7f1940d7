"""A tiny Django and Ninja service, wired to telemetry as a real one is, for tests alone."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus

import django
import telemetry
import telemetry.django
import telemetry.metrics
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
        DATABASES={},
        INSTALLED_APPS=[*telemetry.django.INSTALLED_APPS],
        LOGGING_CONFIG=telemetry.django.LOGGING_CONFIG,
        MIDDLEWARE=[*telemetry.django.MIDDLEWARE],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",  # noqa: S106 -- signs nothing
        USE_TZ=True,
    )
    django.setup()

from ninja import NinjaAPI
from service.django.problems import problem
from service.django.wsgi import get_wsgi_application
from telemetry import shared

log = telemetry.get_logger("harbour")
api = NinjaAPI(openapi_url=None)


@api.exception_handler(LookupError)
def not_found(request: HttpRequest, exc: LookupError) -> HttpResponse:
    return problem(request, HTTPStatus.NOT_FOUND, str(exc))


@api.exception_handler(ArithmeticError)
def broken(request: HttpRequest, exc: ArithmeticError) -> HttpResponse:
    telemetry.record_exception(exc)
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "broken")


@api.get("/ports/{str:id}")
def get_port(request: HttpRequest, id: str) -> dict[str, str]:  # noqa: A002 -- the template's name
    with telemetry.span("get_port"), store("get"):
        if id == "NONE":
            raise LookupError(id)
        log.info("port.read", port=id)
        return {"id": id, "pid": str(os.getpid())}


def store(operation: str) -> AbstractContextManager[None]:
    return telemetry.metrics.store_operation("memory", operation)


@api.get("/ports")
def list_ports(request: HttpRequest) -> StreamingHttpResponse:
    rows = int(request.GET.get("rows", "3"))
    fail_at = int(request.GET.get("fail", "-1"))

    def lines() -> Iterator[bytes]:
        for row in range(rows):
            if row == fail_at:
                raise OSError("the store went away")
            yield b'{"row": %d, "padding": "%s"}\n' % (row, b"x" * 1000)

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson")


@api.put("/ports/{str:id}")
def put_port(request: HttpRequest, id: str) -> dict[str, str | int]:  # noqa: A002 -- as above
    return {"id": id, "bytes": len(request.body)}


@api.get("/slow")
def slow(request: HttpRequest, seconds: float = 0.05) -> dict[str, float]:
    with telemetry.span("slow"):
        time.sleep(seconds)
        return {"seconds": seconds}


@api.get("/broken")
def divide(request: HttpRequest) -> dict[str, float]:
    with telemetry.span("divide", {"divisor": 0}):
        return {"quotient": 1 / 0}


@api.get("/thread")
def in_thread(request: HttpRequest) -> dict[str, str]:
    def work() -> None:
        log.info("from.a.thread")

    thread = threading.Thread(target=telemetry.carry(work))
    thread.start()
    thread.join()
    return {}


def ready(request: HttpRequest) -> HttpResponse:
    with telemetry.span("check"):
        return HttpResponse(status=503 if shared.is_draining() else 200)


def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200)


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("Bearer abcdef012345 must not be seen")


def closed(request: HttpRequest) -> HttpResponse:
    StreamingHttpResponse([b"x"]).close()  # as a service does that answers HEAD from GET
    return HttpResponse(status=200)


urlpatterns = [
    path("closed", closed),
    path("metrics", telemetry.django.metrics_view),
    path("ready", ready),
    path("live", live),
    path("crash", crash),
    path("", api.urls),
]

telemetry.django.declare_routes(
    {
        ("GET", "/ports"),
        ("GET", "/ports/{id}"),
        ("GET", "/slow"),
        ("PUT", "/ports/{id}"),
    }
)
application = get_wsgi_application()

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.django.middleware import otel_middleware
from telemetry import accelerator, context
from telemetry.django import server_span
from telemetry.django.middleware import Middleware


@pytest.mark.parametrize("excluded", [False, True])
def test_the_instrumentation_does_not_resolve_the_path_for_a_first_name(
    monkeypatch: pytest.MonkeyPatch, excluded: bool
) -> None:
    seen = []

    def refuse(path: str) -> None:
        raise AssertionError(f"{path} was resolved")

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.resolver_match)
        return HttpResponse()

    middleware: Any = otel_middleware._DjangoMiddleware
    meter = metrics.NoOpMeter("test")
    monkeypatch.setattr(accelerator, "load", lambda: None)
    monkeypatch.setattr(otel_middleware, "resolve", refuse)
    monkeypatch.setattr(middleware, "_tracer", trace.NoOpTracer())
    monkeypatch.setattr(middleware, "_otel_request_hook", server_span.began)
    monkeypatch.setattr(middleware, "_active_request_counter", meter.create_up_down_counter("a"))
    monkeypatch.setattr(middleware._excluded_urls, "url_disabled", lambda _: excluded)
    request = RequestFactory().get("/ports/AEAJM")
    Middleware(middleware(view))(request)
    context.end()
    # A view that nobody resolved sees what Django says of it: nothing.
    assert (seen == [None]) is not excluded
    assert request.resolver_match is None

"""The accelerated middleware beside the library's, as it is and with our hooks."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util.http import parse_excluded_urls
from telemetry import context, names, spans, tracing
from telemetry.django import server_span as stock
from telemetry.django.middleware import Exchange
from telemetry_fast import server_span

View = Callable[[HttpRequest], HttpResponse]
ID = "f" * 32
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"


class Told(NamedTuple):
    """The telemetry of a middleware about one request."""

    spans: list[dict[str, Any]]
    durations: list[dict[str, Any]]
    response: HttpResponse


def answer(status: int = 200) -> View:
    return lambda _: HttpResponse(b"{}", status=status, headers={"X-Sort": "small"})


def broken(_: HttpRequest) -> HttpResponse:
    raise ValueError("the view broke")


def request(method: str = "GET", path: str = "/nowhere/7", **extra: str) -> HttpRequest:
    """Return a request as gunicorn would have Django make it."""
    usual = {"HTTP_HOST": "ports.example", "HTTP_X_REQUEST_ID": ID, "REMOTE_PORT": "4321"}
    made = RequestFactory().generic(method, path, **{**usual, **extra})  # type: ignore[arg-type]
    made.META["RAW_URI"] = made.get_full_path()
    return made


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have nothing remembered of another test's environment."""
    remembered = (
        (server_span, "_propagated"),
        (server_span, "_captures"),
        (server_span, "_durations"),
        (stock, "_names_excluded"),
    )
    for module, name in remembered:
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    yield
    spans.starter.cache_clear()
    context.end()


def told(
    kind: type[_DjangoMiddleware],
    asked: HttpRequest,
    view: View,
    route: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> Told:
    """Serve a request as Django does, and return what was told of it."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    monkeypatch.setattr(_DjangoMiddleware, "_meter", meter)
    monkeypatch.setattr(_DjangoMiddleware, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(_DjangoMiddleware, "_sem_conv_opt_in_mode", _StabilityMode.HTTP)
    monkeypatch.setattr(
        _DjangoMiddleware, "_duration_histogram_new", meter.create_histogram("duration")
    )
    monkeypatch.setattr(
        _DjangoMiddleware, "_active_request_counter", meter.create_up_down_counter("active")
    )
    asked.telemetry = Exchange(asked)  # type: ignore[attr-defined]

    def get_response(asked: HttpRequest) -> HttpResponse:
        if route is not None:
            asked.resolver_match = SimpleNamespace(route=route)  # type: ignore[assignment]
            middleware.process_view(asked, view)
        try:
            return view(asked)
        except ValueError as error:
            middleware.process_exception(asked, error)
            return HttpResponse(status=500)

    middleware: Any = kind(get_response)
    response = middleware(asked)
    spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
    for span in spans:
        del span["start_time"], span["end_time"], span["context"]
        for event in span["events"]:
            del event["timestamp"]
            event["attributes"].pop("exception.stacktrace")
    data = reader.get_metrics_data()
    durations = [
        dict(point.attributes or {})
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "duration"
        for point in metric.data.data_points
    ]
    return Told(spans, durations, response)


@pytest.mark.parametrize(
    ("asked", "view", "route", "name", "differs"),
    [
        pytest.param(request, answer(), "/a/{id}", "GET /a/{id}", {}, id="usual"),
        pytest.param(request, answer(404), None, "GET", {}, id="no route"),
        pytest.param(request, answer(503), "/a", "GET /a", {}, id="server error"),
        pytest.param(request, broken, "/a", "GET /a", {}, id="exception"),
        pytest.param(
            lambda: request("PURGE"), answer(405), "/a", "HTTP /a", {}, id="unknown method"
        ),
        pytest.param(
            lambda: request(path="/a?limit=2&token=hush"),
            answer(),
            "/a",
            "GET /a",
            {names.ATTR_URL_QUERY: "limit=2&token=REDACTED"},
            id="secret in the query",
        ),
        pytest.param(
            lambda: request(HTTP_HOST="[::1]:8080", SERVER_PORT="8080"),
            answer(),
            "/a",
            "GET /a",
            {names.ATTR_SERVER_ADDRESS: "[::1]"},
            id="address of a server with a port",
        ),
        pytest.param(
            lambda: request(HTTP_HOST="[::1]"), answer(), "/a", "GET /a", {}, id="and without"
        ),
        pytest.param(lambda: request(SERVER_PORT=""), answer(), "/a", "GET /a", {}, id="no port"),
        pytest.param(
            lambda: request(HTTP_USER_AGENT="Googlebot/2.1"), answer(), "/a", "GET /a", {}, id="bot"
        ),
        pytest.param(
            lambda: request(HTTP_TRACEPARENT=f"00-{7:032x}-{8:016x}-01", HTTP_TRACESTATE="a=b"),
            answer(),
            "/a",
            "GET /a",
            {},
            id="caller's trace",
        ),
    ],
)
def test_a_request_is_told_as_opentelemetry_tells_it_but_for_what_is_listed(
    asked: Callable[[], HttpRequest],
    view: View,
    route: str | None,
    name: str,
    differs: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = told(_DjangoMiddleware, asked(), view, route, monkeypatch)
    ours = told(server_span.ServerSpans, asked(), view, route, monkeypatch)
    (expected,) = theirs.spans
    expected["attributes"] |= {names.ATTR_REQUEST_ID: ID, **differs}
    assert ours.spans == [expected | {"name": name}]
    assert ours.durations == theirs.durations
    assert len(ours.durations) == 1
    assert ours.response.items() == theirs.response.items()
    monkeypatch.setattr(_DjangoMiddleware, "_otel_request_hook", stock.began)
    monkeypatch.setattr(_DjangoMiddleware, "_otel_response_hook", stock.ended)
    assert told(_DjangoMiddleware, asked(), view, route, monkeypatch).spans == ours.spans


def test_headers_and_fields_of_a_request_are_told_when_the_environment_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{CAPTURE}REQUEST", "x-kind,x-inner")
    monkeypatch.setenv(f"{CAPTURE}RESPONSE", "x-sort")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "x-inner")
    monkeypatch.setattr(_DjangoMiddleware, "_traced_request_attrs", ["path_info"])
    both = [
        told(kind, request(HTTP_X_KIND="a", HTTP_X_INNER="b"), answer(), "/a", monkeypatch)
        for kind in (_DjangoMiddleware, server_span.ServerSpans)
    ]
    theirs, ours = (each.spans[0]["attributes"] for each in both)
    assert ours == theirs | {names.ATTR_REQUEST_ID: ID}
    assert ours["http.request.header.x_kind"] == ["a"]
    assert ours["http.request.header.x_inner"] == ["[REDACTED]"]
    assert ours["http.response.header.x_sort"] == ["small"]
    assert ours["path_info"] == "/nowhere/7"


def test_the_trace_is_put_into_the_response_where_a_propagator_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    propagator = propagators.TraceResponsePropagator()
    monkeypatch.setattr(propagators, "_RESPONSE_PROPAGATOR", propagator)
    ours = told(server_span.ServerSpans, request(), answer(), "/a", monkeypatch)
    assert ours.response.has_header("traceresponse")


@pytest.mark.parametrize("path", sorted(names.PROBE_ROUTES))
def test_a_probe_is_not_traced_nor_is_what_its_view_does(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        with tracing.span("within"):
            return HttpResponse()

    asked = request(path=path)
    assert told(server_span.ServerSpans, asked, view, path, monkeypatch)[:2] == ([], [])


def test_the_environment_says_what_is_not_traced_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "nowhere")
    monkeypatch.setattr(_DjangoMiddleware, "_excluded_urls", parse_excluded_urls("nowhere"))
    kind = server_span.ServerSpans
    assert told(kind, request(), answer(), "/a", monkeypatch).spans == []
    assert len(told(kind, request(path="/live"), answer(), "/live", monkeypatch).spans) == 1


def test_a_request_of_which_nothing_is_recorded_is_still_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unsampled = f"00-{7:032x}-{8:016x}-00"
    asked = request(HTTP_TRACEPARENT=unsampled)
    ours = told(server_span.ServerSpans, asked, broken, "/a", monkeypatch)
    assert ours.spans == []
    assert ours.durations[0][names.ATTR_ERROR_TYPE] == "500"


def test_an_exception_of_a_probe_is_left_to_the_access_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = told(server_span.ServerSpans, request(path="/ready"), broken, "/ready", monkeypatch)
    assert (ours.spans, ours.response.status_code) == ([], 500)


def test_conventions_that_are_not_written_here_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "database")
    with pytest.raises(ImproperlyConfigured, match="'database' does not name http"):
        stock.instrument(1)

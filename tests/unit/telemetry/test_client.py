from collections.abc import Callable, Iterator

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import client, context, metrics, names

Answer = httpx.Response | Exception


class Other(httpx.MockTransport):
    """Another service, with its answers in order; the last one is repeated."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = answers
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the client; nobody waits for them here."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def counted(**labels: str) -> float:
    """Return how many durations have these labels."""
    family = f"{names.HTTP_CLIENT_DURATION}_count"
    return sum(
        sample.value
        for metric in metrics.histogram(names.HTTP_CLIENT_DURATION).collect()
        for sample in metric.samples
        if sample.name == family and labels.items() <= sample.labels.items()
    )


def test_trace_and_request_id_travel_and_the_call_is_a_span_and_a_duration(
    spans: InMemorySpanExporter,
) -> None:
    other = Other(httpx.Response(200))
    ok = {
        "http_response_status_code": "200",
        "server_address": "ports",
        "server_port": "8080",
        "error_type": "",
    }
    before = counted(**ok)
    context.begin("mine")
    try:
        with (
            trace.get_tracer("test").start_as_current_span("GET /calls") as outer,
            client.http_client("http://ports:8080", transport=other) as ports,
        ):
            assert ports.get("/ports/AEAJM").status_code == 200
    finally:
        context.end()
    (asked,) = other.asked
    inner, _ = spans.get_finished_spans()
    assert asked.headers[context.HEADER] == "mine"
    assert inner.parent == outer.get_span_context()
    assert inner.context is not None
    assert asked.headers["traceparent"].split("-")[1:3] == [
        trace.format_trace_id(outer.get_span_context().trace_id),
        trace.format_span_id(inner.context.span_id),
    ]
    assert inner.kind is trace.SpanKind.CLIENT
    after = counted(**ok)
    assert after == before + 1


def test_outside_of_a_request_and_with_an_id_of_its_own_nothing_is_added() -> None:
    other = Other(httpx.Response(200))
    with client.http_client("http://ports:8080", transport=other) as ports:
        ports.get("/")
        context.begin("mine")
        ports.get("/", headers={context.HEADER: "given"})
        context.end()
    assert [each.headers.get(context.HEADER) for each in other.asked] == [None, "given"]


BUSY = httpx.Response(503)


@pytest.mark.parametrize(
    ("method", "answers", "tries", "ends"),
    [
        ("GET", [httpx.ConnectError("no"), httpx.Response(200)], 2, 200),
        ("GET", [httpx.ReadTimeout("slow"), BUSY, httpx.Response(200)], 3, 200),
        ("PUT", [BUSY, httpx.Response(204)], 2, 204),
        ("GET", [BUSY], 3, 503),
        ("GET", [httpx.ConnectTimeout("no")], 3, "ConnectTimeout"),
        ("GET", [httpx.Response(500)], 1, 500),
        ("POST", [BUSY, httpx.Response(200)], 1, 503),
        ("POST", [httpx.ConnectError("no")], 1, "ConnectError"),
        ("GET", [httpx.Response(503, headers={"Retry-After": "9"})], 1, 503),
        ("GET", [httpx.Response(503, headers={"Retry-After": "Sun, 06 Nov 1994"})], 3, 503),
    ],
)
def test_the_client_retries_idempotent_requests_up_to_the_limit(
    method: str, answers: list[Answer], tries: int, ends: int | str
) -> None:
    other = Other(*answers)
    before = counted()
    with client.http_client("http://ports:8080", retries=2, transport=other) as ports:
        try:
            ended: int | str = ports.request(method, "/", content=b"x").status_code
        except httpx.TransportError as error:
            ended = type(error).__name__
    assert (len(other.asked), ended) == (tries, ends)
    assert counted() == before + tries


def test_pauses_double_vary_and_obey_the_other_service(pauses: list[float]) -> None:
    answers = (BUSY, BUSY, httpx.Response(503, headers={"Retry-After": "1"}), httpx.Response(200))
    with client.http_client("http://x", retries=5, transport=Other(*answers)) as ports:
        assert ports.get("/").status_code == 200
    first, second, asked = pauses
    assert 0.025 <= first <= 0.075
    assert 0.05 <= second <= 0.15
    assert asked == 1


def test_a_body_that_can_be_read_once_is_sent_once() -> None:
    other = Other(BUSY)
    body: Callable[[], Iterator[bytes]] = lambda: iter([b"a", b"b"])  # noqa: E731
    with client.http_client("http://x", retries=5, transport=other) as ports:
        assert ports.put("/", content=body()).status_code == 503
    assert len(other.asked) == 1


@pytest.mark.parametrize("retries", [-1, 6])
def test_retries_are_bounded(retries: int) -> None:
    with pytest.raises(ValueError, match=rf"retries={retries}: must be between 0 and 5"):
        client.http_client("http://x", retries=retries)


def test_a_failed_call_is_told_by_its_kind() -> None:
    labels = {
        "error_type": "ConnectError",
        "http_response_status_code": "",
        "server_address": "x",
        "server_port": "80",
    }
    before = counted(**labels)
    with (
        client.http_client("http://x", retries=0, transport=Other(httpx.ConnectError("no"))) as x,
        pytest.raises(httpx.ConnectError),
    ):
        x.request("FETCH", "/")
    assert counted(**labels, http_request_method="_OTHER") == before + 1

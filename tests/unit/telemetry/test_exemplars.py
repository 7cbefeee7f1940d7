import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import Span, StatusCode
from telemetry import exemplars


def ended(
    seconds: float, status: StatusCode = StatusCode.UNSET, sampler: Sampler = ALWAYS_ON
) -> Span:
    span = (
        TracerProvider(sampler=sampler, shutdown_on_exit=False)
        .get_tracer("x")
        .start_span("x", start_time=0)
    )
    span.set_status(status)
    span.end(int(seconds * 1e9))
    return span


@pytest.fixture
def selective(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemplars, "_selective", True)


def test_each_sampled_request_may_be_an_exemplar_when_every_trace_is_kept() -> None:
    span = ended(0.001)
    assert exemplars.of(span) == {"trace_id": f"{span.get_span_context().trace_id:032x}"}


def test_a_trace_that_is_not_sampled_is_none() -> None:
    assert exemplars.of(ended(5, StatusCode.ERROR, ALWAYS_OFF)) is None
    assert exemplars.of(None) is None


@pytest.mark.usefixtures("selective")
@pytest.mark.parametrize(
    ("seconds", "status", "kept"),
    [
        (0.001, StatusCode.UNSET, False),
        (0.999, StatusCode.OK, False),
        (1.0, StatusCode.OK, True),
        (0.001, StatusCode.ERROR, True),
    ],
)
def test_only_what_tail_sampling_keeps_is_shown(
    seconds: float, status: StatusCode, kept: bool
) -> None:
    assert (exemplars.of(ended(seconds, status)) is not None) == kept

import os

import pytest
from telemetry import tracing

VARIABLES = ("ENDPOINT", "TRACES_ENDPOINT", "METRICS_ENDPOINT")


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", "")
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"):
        monkeypatch.setenv(name, "")


def chosen(monkeypatch: pytest.MonkeyPatch, **given: str) -> tuple[bool, str, str]:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    exporting = tracing._choose_exporters()
    return (
        exporting,
        os.environ["OTEL_TRACES_EXPORTER"],
        os.environ["OTEL_METRICS_EXPORTER"],
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (False, "", "")),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, (True, "otlp", "otlp")),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, (True, "otlp", "")),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"}, (False, "", "otlp")),
        ({"OTEL_TRACES_EXPORTER": "console"}, (True, "console", "")),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
            (False, "none", "otlp"),
        ),
    ],
)
def test_an_exporter_is_chosen_only_where_somebody_said_where_to(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: tuple[bool, str, str]
) -> None:
    assert chosen(monkeypatch, **given) == expected


def test_without_a_provider_there_is_no_trace_and_a_span_does_nothing() -> None:
    with tracing.span("x", {"a": 1}):
        assert tracing.trace_id() is None
        tracing.record_exception(ValueError("nobody records this"))

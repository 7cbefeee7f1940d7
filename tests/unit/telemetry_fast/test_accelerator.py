"""When the accelerator is used, and what is said when it is not."""

import importlib.metadata
import time
from typing import Any

import pytest
import structlog
from opentelemetry.exporter.otlp.proto.common import trace_encoder
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from telemetry import accelerator, names
from telemetry_fast import guard, otlp, spans


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide again about the accelerator, and restore the exporter afterwards."""
    monkeypatch.setattr(accelerator, "load", accelerator.load.__wrapped__)
    monkeypatch.delenv(accelerator.WANTED, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setattr(trace_exporter, "encode_spans", trace_encoder.encode_spans)


def loaded() -> tuple[bool, list[str]]:
    with structlog.testing.capture_logs() as captured:
        found = accelerator.load()
    reasons = [line["reason"] for line in captured if line["event"] == names.STOCK_EVENT]
    return found is not None, reasons


def test_it_is_used_with_the_versions_that_it_is_made_for() -> None:
    assert accelerator.other_versions() == []
    assert loaded() == (True, [])
    assert vars(trace_exporter)["encode_spans"] is otlp.encode_spans


def test_the_accelerator_encodes_only_spans_over_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    assert loaded() == (True, [])
    assert vars(trace_exporter)["encode_spans"] is trace_encoder.encode_spans
    monkeypatch.setattr(spans, "lean", lambda _: 1 // 0)
    used, (reason,) = loaded()
    assert not used
    assert "ZeroDivisionError" in reason


def test_it_is_used_where_the_environment_asks_for_compression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    assert loaded() == (True, [])


def test_the_accelerator_is_used_on_a_busy_machine_with_small_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses = [0.05]  # seconds after the first span alone

    class Busy(BatchSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            super().on_end(span)
            time.sleep(pauses.pop() if pauses else 0)

    monkeypatch.setattr(guard, "BatchSpanProcessor", Busy)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    assert loaded() == (True, [])


@pytest.mark.parametrize("text", ["0", "false", " No ", "OFF"])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(accelerator.WANTED, text)
    assert loaded() == (False, [f"TELEMETRY_FAST={text}"])
    assert vars(trace_exporter)["encode_spans"] is trace_encoder.encode_spans


PINS = [
    line for line in importlib.metadata.requires(accelerator.DISTRIBUTION) or () if "==" in line
]


@pytest.mark.parametrize("pin", PINS)
def test_with_any_other_version_the_stock_parts_serve(
    monkeypatch: pytest.MonkeyPatch, pin: str
) -> None:
    name, wanted = pin.split("==")
    version = importlib.metadata.version
    one_off = lambda asked: "9.9" if asked == name else version(asked)  # noqa: E731
    monkeypatch.setattr(accelerator, "version", one_off)
    assert loaded() == (False, [f"{name} 9.9 is installed, {wanted} expected"])


def test_without_the_package_or_one_of_those_that_it_is_made_for_the_stock_parts_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(accelerator, "version", missing)
    used, (reason,) = loaded()
    assert not used
    assert "opentelemetry-sdk no version is installed, 1.45.1 expected" in reason
    monkeypatch.setattr(accelerator, "requires", missing)
    assert loaded() == (False, [f"{accelerator.DISTRIBUTION} is not installed"])


@pytest.mark.parametrize("fault", ["renamed", "wrong", "raises"])
def test_a_difference_of_what_is_sent_leaves_the_stock_parts_in_place(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = vars(trace_exporter)["encode_spans"]
    match fault:
        case "renamed":  # the exporter finds its encoder elsewhere
            export = trace_exporter.OTLPSpanExporter.export

            def elsewhere(exporter: Any, batch: Any) -> Any:
                monkeypatch.setitem(vars_of_export, "encode_spans", trace_encoder.encode_spans)
                return export(exporter, batch)

            vars_of_export = export.__globals__
            monkeypatch.setattr(trace_exporter.OTLPSpanExporter, "export", elsewhere)
        case "wrong":
            monkeypatch.setattr(otlp, "_value", lambda _: b"\x10\x01")
            monkeypatch.setattr(otlp, "_remembered", {})
        case "raises":
            monkeypatch.setattr(spans, "lean", lambda _: 1 // 0)
    difference = guard.difference(by_http=True)
    assert difference.startswith("accelerated spans are sent as ")
    assert vars(trace_exporter)["encode_spans"] is before

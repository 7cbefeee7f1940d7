import json
import logging
from typing import Any

import pytest
from telemetry import lines, redaction


def line(**fields: Any) -> dict[str, Any]:
    """Return the line of an event, as whoever reads JSON has it."""
    maker = lines.Line("harbour", lines.as_json)
    found: dict[str, Any] = json.loads(maker.of_event(0.0, "x", "info", "event", fields))
    return found


def test_a_line_says_when_and_who_before_what() -> None:
    assert list(line(ship="Ada")) == ["timestamp", "level", "event", "logger", "service", "ship"]
    assert line()["timestamp"] == "1970-01-01T00:00:00.000000Z"


def test_a_text_that_comes_again_is_told_from_one_under_a_secret_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "_harmless", set())
    for _ in range(2):
        found = line(user_agent="a b", password="a b", trace_id="Bearer abcd")  # noqa: S106
        assert found["user_agent"] == "a b"
        assert found["password"] == redaction.REDACTED
        assert found["trace_id"] == f"Bearer {redaction.REDACTED}"
    assert lines._harmless == {("user_agent", "a b")}


def test_the_memory_of_harmless_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_harmless", set())
    monkeypatch.setattr(lines, "_REMEMBERED", 3)
    for number in range(5):
        assert line(path=f"/{number}", long="x" * 257)["path"] == f"/{number}"
    assert 0 < len(lines._harmless) <= 3
    assert "long" not in {key for key, _ in lines._harmless}


def test_an_event_may_be_anything_and_holds_no_secret() -> None:
    maker = lines.Line("harbour", lines.as_json)

    def event(given: Any) -> object:
        return json.loads(maker.of_event(0.0, "x", "info", given, {}))["event"]

    for _ in range(2):
        assert event("Basic abcd") == f"Basic {redaction.REDACTED}"
        assert event(7) == 7
        assert event(["a b"]) == ["a b"]


def stack(error: Exception) -> str:
    """Return the stack of an exception, as its line shows it."""
    maker = lines.Line("harbour", lines.as_json)
    record = logging.makeLogRecord({"name": "x", "levelname": "ERROR", "msg": "event"})
    given = {"_record": record, "_from_structlog": False, "exc_info": error}
    return str(json.loads(maker(None, "error", given))["exception"]["stacktrace"])


def test_a_stack_is_cut_after_its_secrets_are_out_so_that_none_loses_its_name() -> None:
    secret = "s" * (lines.MAX_STACK - 20)
    found = stack(ValueError(f"password={secret}\nthe end"))
    assert found == f"ValueError: password={redaction.REDACTED}\nthe end\n"


def test_a_long_single_line_stack_keeps_its_end() -> None:
    assert stack(ValueError("x" * 20_000 + "!")) == "x" * (lines.MAX_STACK - 2) + "!\n"

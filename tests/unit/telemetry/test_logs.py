import io
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from telemetry import context, logs, metrics, names, redaction, shared


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Where configured logging writes; what was configured before comes back."""
    root = logging.getLogger()
    before, threshold = root.handlers[:], root.level
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    stream = io.StringIO()
    logs.configure_logging("harbour", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(threshold)
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in found:
        timestamp = line.pop("timestamp")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", timestamp)
    return found


def test_a_structlog_event_and_a_librarys_record_look_the_same(stream: io.StringIO) -> None:
    context.begin("mine")
    logs.get_logger("harbour.pilot").info("ship.arrived", ship="Ada", berth=3)
    logging.getLogger("library").warning("took %d s", 7)
    context.end()
    assert lines(stream) == [
        {
            "level": "info",
            "event": "ship.arrived",
            "logger": "harbour.pilot",
            "service": "harbour",
            "request_id": "mine",
            "ship": "Ada",
            "berth": 3,
        },
        {
            "level": "warning",
            "event": "took 7 s",
            "logger": "library",
            "service": "harbour",
            "request_id": "mine",
        },
    ]


def test_an_exception_is_an_object_without_local_variables(stream: io.StringIO) -> None:
    def steer(password: str) -> None:
        raise KeyError(len(password))

    try:
        steer("hun" + "ter2")
    except KeyError:
        logs.get_logger("x").exception("failed")
        logging.getLogger("y").exception("failed too")
    for line in lines(stream):
        stack = line["exception"].pop("stacktrace")
        assert stack.endswith("KeyError: 7\n")
        assert "hunter2" not in stack
        assert line["exception"] == {"type": "KeyError", "message": "7"}


@pytest.mark.parametrize(
    "fields",
    [
        {"Authorization": "Bearer planted"},
        {"set-cookie": "planted"},
        {"headers": {"Cookie": "planted", "accept": "text/plain"}},
        {"write_token": b"planted"},
        {"list": [{"api_key": "planted"}]},
        {"note": "sent Authorization: Bearer planted.planted-planted"},
        {"note": "basic planted=="},
        {"token": 1234567},
        {"password": 1.5},
        {"note": "cannot reach postgresql://ports:planted@db:5432/ports"},
        {"note": "cannot reach redis://:plan@ted-planted@cache"},
        {"note": "connect(host=db password=planted)"},
        {"note": "asked /ports?access_token=planted&q=x"},
        {"note": "PASSWORD = 'planted planted'"},
        {"note": 'secret="planted'},
    ],
)
def test_a_secret_is_never_written(stream: io.StringIO, fields: dict[str, Any]) -> None:
    logs.get_logger("x").info("asked", **fields)
    assert "planted" not in stream.getvalue()
    assert "1234567" not in stream.getvalue()
    assert redaction.REDACTED in stream.getvalue()


def test_values_that_resemble_secrets_are_written(stream: io.StringIO) -> None:
    fields = {
        "token": None,
        "has_session": True,
        "berth": 3,
        "url": "http://host:8080/ports@home",
        "note": "a token == another; no session at all; mail to a@b.example",
    }
    logs.get_logger("x").info("asked", **fields)
    (line,) = lines(stream)
    assert {key: line[key] for key in fields} == fields


def test_a_secret_in_a_librarys_message_is_not_written(stream: io.StringIO) -> None:
    logging.getLogger("library").error("sent %s", {"h": "Bearer planted"})
    try:
        int("Bearer planted")
    except ValueError:
        logging.getLogger("library").exception("failed")
    (_, failure) = lines(stream)
    assert "Bearer [redacted]" in failure["exception"]["message"]
    # The source line that the stack quotes is the service's own, and redacted as well.
    assert "planted" not in stream.getvalue()


FORGED = 'x\n{"level":"info","event":"forged"}\r\x1b[31m\u2028\x85'


def test_json_keeps_a_line_a_line_and_a_field_a_field(stream: io.StringIO) -> None:
    logs.get_logger("x").info("asked", agent=FORGED, level="forged", service="forged")
    (line,) = lines(stream)
    assert line == {
        "level": "info",
        "event": "asked",
        "logger": "x",
        "service": "harbour",
        "agent": FORGED,
        "level_": "forged",
        "service_": "forged",
    }


def test_the_console_keeps_a_line_a_line_and_a_terminal_unsteered(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "console")
    logs.configure_logging("harbour", stream)
    logs.get_logger("x").info(FORGED, agent=FORGED, nested={"agent": FORGED}, many=[FORGED])
    written = stream.getvalue()
    assert written.endswith("\n")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", written[:-1])
    assert "forged" in written


def test_the_console_shows_a_stack_over_several_lines(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "console")
    logs.configure_logging("harbour", stream)
    try:
        ["a"].index("a\x1bb")
    except ValueError:
        logs.get_logger("x").exception("failed")
    assert "\nValueError: " in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_texts_are_bounded_and_what_json_has_not_is_still_written(stream: io.StringIO) -> None:
    logs.get_logger("x").info("asked", agent="é" * 9_000, big=2**70, lone="\ud800", raw=b"\xff")
    (line,) = lines(stream)
    assert len(line["agent"]) == redaction.MAX_TEXT
    assert (line["big"], line["lone"], line["raw"]) == (2**70, "\ud800", "b'\\xff'")


def test_events_below_the_level_are_not_written(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    logs.configure_logging("harbour", stream)
    logs.get_logger("x").info("quiet")
    logging.getLogger("y").info("quiet")
    logs.get_logger("x").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("LOG_LEVEL", "LOG_LEVEL=loud: must be one of debug, info, warning, error, critical"),
        ("LOG_FORMAT", "LOG_FORMAT=loud: must be one of json, console"),
    ],
)
def test_a_wrong_setting_is_named_and_stops_the_start(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, variable: str, message: str
) -> None:
    monkeypatch.setenv(variable, "loud")
    with pytest.raises(SystemExit) as stopped:
        logs.configure_logging("harbour", stream)
    assert stopped.value.code == 1
    assert lines(stream) == [
        {
            "level": "critical",
            "event": names.START_REFUSED_EVENT,
            "logger": "telemetry.logs",
            "service": "harbour",
            "reason": message,
        }
    ]


def test_exporters_complain_once_a_minute_and_others_always(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(shared, "_memory", bytearray(64))
    for second in (0, 1, 59, 60, 61, 121):
        now[0] = 1000.0 + second
        logging.getLogger("opentelemetry.exporter").warning("second %d", second)
    logging.getLogger("other").warning("always")
    logging.getLogger("other").warning("always")
    assert [line["event"] for line in lines(stream)] == [
        "second 0",
        "second 60",
        "second 121",
        "always",
        "always",
    ]


def test_a_logger_of_the_standard_library_that_is_quiet_keeps_events_of_its_name_quiet(
    stream: io.StringIO,
) -> None:
    quiet = logging.getLogger("harbour.quiet")
    quiet.setLevel("ERROR")
    try:
        logs.get_logger("harbour.quiet").warning("quiet")
        logs.get_logger("harbour.quiet").error("loud")
    finally:
        quiet.setLevel(logging.NOTSET)
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("form", ["raised", "given", "triple"])
def test_an_exception_may_be_given_in_each_form_that_logging_takes(
    stream: io.StringIO, form: str
) -> None:
    try:
        int("broke")
    except ValueError as error:
        triple = (type(error), error, error.__traceback__)
        logs.get_logger("x").error(
            "event", exc_info={"raised": True, "given": error, "triple": triple}[form]
        )
    (line,) = lines(stream)
    assert line["exception"]["type"] == "ValueError"


def test_lines_of_many_threads_are_whole_in_a_file_long_ones_too(
    stream: io.StringIO, tmp_path: Path
) -> None:
    with (tmp_path / "log").open("w") as file:
        logs.configure_logging("harbour", file)

        def write(number: int) -> None:
            for _ in range(50):
                logs.get_logger("x").info("event", texts=["x" * 1000] * (1 + number % 2 * 8))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    written = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert sorted(len(line["texts"]) for line in written) == [1] * 100 + [9] * 100
    assert stream.getvalue() == ""


@pytest.mark.parametrize("get", [logs.get_logger, logging.getLogger], ids=["event", "record"])
def test_a_line_that_cannot_be_written_fails_nobody_and_is_told_of(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str], get: Any
) -> None:
    with Path("/dev/full").open("w") as full:
        logs.configure_logging("harbour", full)
        get("x").info("event")
    assert "No space left on device" in capsys.readouterr().err
    assert stream.getvalue() == ""


def test_a_line_that_is_taken_in_parts_is_written_to_its_end(
    stream: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    with (tmp_path / "log").open("w") as file:
        logs.configure_logging("harbour", file)
        logs.get_logger("x").info("event")
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["event"] == "event"
    assert stream.getvalue() == ""


@pytest.mark.parametrize("event", [7, "x" * 300])
def test_an_event_may_be_of_any_kind_and_length(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, event: Any
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:1])  # pytest's would make it a record
    logs.get_logger("x").info(event)
    (line,) = lines(stream)
    assert line["event"] == event


class Kept(logging.Handler):
    """Somebody's own handler."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.mark.parametrize("where", ["", "harbour", "harbour.pilot"])
def test_a_handler_that_somebody_adds_sees_events_too(stream: io.StringIO, where: str) -> None:
    kept, logger = Kept(), logging.getLogger(where)
    logs.get_logger("harbour.pilot").info("before")
    logger.addHandler(kept)
    try:
        logs.get_logger("harbour.pilot").info("ship.arrived", ship="Ada")
    finally:
        logger.removeHandler(kept)
    (record,) = kept.records
    assert (record.name, record.levelname) == ("harbour.pilot", "INFO")
    assert record.msg == {"event": "ship.arrived", "ship": "Ada"}
    before, line = lines(stream)
    assert line == {**before, "event": "ship.arrived", "ship": "Ada"}


@pytest.mark.parametrize("on_handler", [True, False], ids=["handler", "logger"])
def test_a_filter_that_somebody_adds_is_asked_of_events_too(
    stream: io.StringIO, on_handler: bool
) -> None:
    where: Any = logging.getLogger().handlers[0] if on_handler else logging.getLogger("harbour.x")
    refuse = lambda record: "quiet" not in record.getMessage()  # noqa: E731
    where.addFilter(refuse)
    try:
        logs.get_logger("harbour.x").info("quiet")
        logs.get_logger("harbour.x").info("loud")
    finally:
        where.removeFilter(refuse)
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_events_that_do_not_propagate_to_the_root_are_not_written(stream: io.StringIO) -> None:
    apart = logging.getLogger("harbour.apart")
    apart.propagate = False
    try:
        logs.get_logger("harbour.apart").info("unheard")
    finally:
        apart.propagate = True
    assert lines(stream) == []


def test_an_event_may_have_arguments_as_a_message_has(stream: io.StringIO) -> None:
    logs.get_logger("x").info("took %d s", 7)
    logs.get_logger("x").info("100 % of it")
    logs.get_logger("x").bind(berth=3).info("bound", ship="Ada")
    first, second, third = lines(stream)
    assert (first["event"], second["event"]) == ("took 7 s", "100 % of it")
    assert (third["berth"], third["ship"]) == (3, "Ada")


def test_an_exporters_name_is_kept_to_once_a_minute_whoever_logs_by_it(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_memory", bytearray(64))
    for _ in range(3):
        logs.get_logger("opentelemetry.exporter").warning("complains")
    assert len(lines(stream)) == 1


def test_the_time_of_a_line_is_the_time_in_utc(stream: io.StringIO) -> None:
    for now in (1_700_000_000.0, 1_700_000_000.25, 1_700_000_059.999999):
        logging.getLogger("x").handle(
            logging.makeLogRecord({"name": "x", "created": now, "levelno": 30})
        )
    stamps = [json.loads(line)["timestamp"] for line in stream.getvalue().splitlines()]
    assert stamps == [
        "2023-11-14T22:13:20.000000Z",
        "2023-11-14T22:13:20.250000Z",
        "2023-11-14T22:14:19.999999Z",
    ]


def test_bound_context_is_on_every_line_until_it_is_cleared(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(tenant="acme"):
        logs.get_logger("x").info("event")
        logs.access(logging.INFO, {"status": 200})
    logs.get_logger("x").info("event")
    assert [line.get("tenant") for line in lines(stream)] == ["acme", "acme", None]


def test_capture_logs_sees_events_and_nothing_is_written(stream: io.StringIO) -> None:
    log = logs.get_logger("x")
    log.info("before")
    with structlog.testing.capture_logs() as captured:
        log.info("ship.arrived", ship="Ada")
        logs.access(logging.INFO, {"status": 200})
    assert captured == [
        {"event": "ship.arrived", "ship": "Ada", "log_level": "info"},
        {"event": names.ACCESS_EVENT, "status": 200, "log_level": "info"},
    ]
    assert [line["event"] for line in lines(stream)] == ["before"]


def test_a_level_changed_at_run_time_holds_for_a_logger_that_was_used(stream: io.StringIO) -> None:
    log, apart = logs.get_logger("harbour.noisy"), logging.getLogger("harbour.noisy")
    log.debug("quiet")
    apart.setLevel("DEBUG")
    try:
        log.debug("loud")
    finally:
        apart.setLevel(logging.NOTSET)
    log.debug("quiet")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_extra_of_the_standard_library_becomes_fields(stream: io.StringIO) -> None:
    extra = {"ship": "Ada", "event": "mine", "level": "mine", "password": "planted"}
    logging.getLogger("x").info("arrived", extra=extra)
    logging.getLogger("django.server").info("asked", extra={"request": "/?q=planted"})
    first, second = lines(stream)
    assert (first["event"], first["ship"]) == ("arrived", "Ada")
    assert (first["event_"], first["level_"]) == ("mine", "mine")
    assert "request" not in second
    assert "planted" not in stream.getvalue()


@pytest.mark.parametrize("get", [logs.get_logger, logging.getLogger], ids=["event", "record"])
def test_a_stack_that_is_asked_for_is_written(stream: io.StringIO, get: Any) -> None:
    get("x").info("here", stack_info=True)
    (line,) = lines(stream)
    assert "test_a_stack_that_is_asked_for_is_written" in line["stack"]


@pytest.mark.parametrize("get", [logs.get_logger, logging.getLogger], ids=["event", "record"])
@pytest.mark.parametrize("arguments", [("one",), ("a", "b", "c"), ({"a": 1},)])
def test_arguments_that_do_not_fit_the_message_lose_no_line(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, get: Any, arguments: tuple[Any, ...]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:1])  # pytest's would raise
    get("x").info("%s %s", *arguments)
    (line,) = lines(stream)
    assert line["event"].startswith("%s %s")


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def itself() -> list[Any]:
    """Return a list that holds itself."""
    value: list[Any] = [1]
    value.append(value)
    return value


def nested(depth: int, width: int, value: object) -> Any:
    """Return lists in lists, each with the next one that often."""
    for _ in range(depth):
        value = [value] * width
    return value


# Made by the test that uses it: to make and drop the deep one takes a third of a second.
HOSTILE: dict[str, Callable[[], Any]] = {
    "unshowable": Unshowable,
    "itself": itself,
    "deep": lambda: nested(100_000, 1, None),
    "wide": lambda: nested(12, 12, "x"),
    "key": lambda: {Unshowable(): 1},
    "surrogate": lambda: "\ud800",
    "huge": lambda: 10**400,
    "nan": lambda: float("nan"),
    "fields": lambda: {"timestamp": "mine", "logger": "mine"},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", logs.FORMATS)
@pytest.mark.parametrize("write", ["event", "record", "access"])
def test_a_hostile_value_gives_one_line_and_raises_nothing(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, name: str, form: str, write: str
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    logs.configure_logging("harbour", stream)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:1])  # pytest's would ask for a record
    value = HOSTILE[name]()
    fields = value if name == "fields" else {"value": value}
    match write:
        case "event":
            logs.get_logger("x").info("event", **fields)
        case "record":
            logging.getLogger("x").info("event", extra=fields)
        case "access":
            logs.access(logging.INFO, fields)
    (line,) = stream.getvalue().splitlines()
    assert form == "console" or json.loads(line)["level"] == "info"


@pytest.mark.parametrize("name", ["_record", "_from_structlog"])
def test_a_field_that_structlog_would_replace_is_kept(stream: io.StringIO, name: str) -> None:
    logs.get_logger("x").info("event", **{name: "mine"})
    (line,) = lines(stream)
    assert (line["event"], line[f"{name}_"]) == ("event", "mine")


# Parameters of structlog's methods: no call of them has such a field.
PARAMETERS = ("self", "method_name", "event", "exc_info", "stack_info")
fields = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in PARAMETERS),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=5,
)


@given(fields)
@example({"stack": None})
@example({"stack": "mine"})
@example({"_record": None})
@example({"_from_structlog": None})
@example({"positional_args": None})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_short_way_of_an_access_line_writes_what_the_long_one_does(
    stream: io.StringIO, given_fields: dict[str, Any]
) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    written = []
    for others in ([], [logging.NullHandler()]):  # beside another handler there is no short way
        stream.seek(0)
        stream.truncate()
        root.handlers[:] = [before[0], *others]
        logs.access(logging.INFO, given_fields)
        written += lines(stream)
    root.handlers[:] = before
    assert len(written) == 2
    assert written[0] == written[1]


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_record_of_which_no_line_can_be_made_is_named_at_least(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    logs.configure_logging("harbour", stream)
    monkeypatch.setattr(logging.getLogger().handlers[0], "format", lambda _: 1 // 0)
    logging.getLogger("x").warning("event password=planted")
    assert lines(stream) == [
        {
            "level": "warning",
            "event": "event password=[redacted]",
            "logger": "x",
            "log_error": "ZeroDivisionError",
        }
    ]


@pytest.mark.parametrize("anew", [True, False], ids=["opened anew", "another user's"])
def test_a_pipe_that_nobody_reads_drops_lines_and_counts_them(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    if not anew:
        monkeypatch.setattr(os, "open", lambda *_: os.read(-1, 1))  # an OSError
    reader, writer = os.pipe()
    dropped = metrics.counter(names.LOG_LINES_DROPPED)
    before = dropped._value.get()
    with os.fdopen(writer, "w") as pipe:
        logs.configure_logging("harbour", pipe)
        for number in range(2_000):
            logs.get_logger("x").info("event", number=number, text="x" * (number % 9) * 1_000)
        lost = dropped._value.get() - before
        assert 0 < lost < 2_000
        os.set_blocking(reader, False)
        taken = b""
        while piece := _read(reader):
            taken += piece
        logs.get_logger("x").info("again")
        taken += _read(reader)
        logging.getLogger().handlers[0].close()
    os.close(reader)
    whole = [line for line in taken.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    assert json.loads(whole[-1])["event"] == "again"
    assert len(taken.splitlines()) - len(whole) <= 1, "a long line may lack its end"
    assert stream.getvalue() == ""


def test_a_pipe_whose_reader_is_gone_drops_lines_without_a_word(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = metrics.counter(names.LOG_LINES_DROPPED)
    before = dropped._value.get()
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe:
        logs.configure_logging("harbour", pipe)
        os.close(reader)
        logs.get_logger("x").info("event")
        logs.access(logging.INFO, {"text": "x" * 9_000})
        logging.getLogger().handlers[0].close()
    assert dropped._value.get() == before + 2
    assert capsys.readouterr().err == stream.getvalue() == ""


def test_a_pipe_that_cannot_be_opened_anew_is_written_as_it_is(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise FileNotFoundError  # as where there is no /proc

    reader, writer = os.pipe()
    monkeypatch.setattr(os, "open", refuse)
    with os.fdopen(writer, "w") as pipe:
        logs.configure_logging("harbour", pipe)
        logs.get_logger("x").info("event")
        assert json.loads(os.read(reader, 1_000))["event"] == "event"
    os.close(reader)
    assert stream.getvalue() == ""


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return b""

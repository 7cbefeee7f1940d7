"""A wrong setting of telemetry's own stops the start with one clear line."""

import json
from pathlib import Path

import pytest
from telemetry import names

from tests.integration.telemetry.harness import Server


@pytest.mark.parametrize("variable", ["LOG_LEVEL", "LOG_FORMAT"])
def test_a_wrong_log_setting_is_one_line_and_no_traceback(tmp_path: Path, variable: str) -> None:
    server = Server(tmp_path, **{variable: "loud"})
    with pytest.raises(RuntimeError, match="gunicorn ended"):
        server.start()
    assert server.process.returncode == 1
    (line,) = [json.loads(text) for text in server.log.read_text().splitlines()]
    assert (line["level"], line["event"]) == ("critical", names.START_REFUSED_EVENT)
    assert line["reason"].startswith(f"{variable}='loud' is not one of ")

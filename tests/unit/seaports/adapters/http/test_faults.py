import os
import time
from pathlib import Path

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from seaports import bootstrap
from seaports.adapters.http.faults import Faults


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fault.json"


@pytest.fixture
def middleware(file: Path) -> Faults:
    return Faults(lambda _request: HttpResponse(b"fine"), file)


def get(middleware: Faults, path: str = "/ports/AEAJM") -> HttpResponseBase:
    request = RequestFactory().get(path)
    return middleware.process_view(request) or middleware(request)


def test_without_a_file_nothing_is_touched(middleware: Faults) -> None:
    assert get(middleware).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [("errors", 500), ("db-down", 503)])
def test_a_fault_lasts_as_long_as_its_file(
    middleware: Faults, file: Path, fault: str, status: int
) -> None:
    file.write_text(f'{{"fault": "{fault}"}}')
    assert {get(middleware).status_code for _ in range(5)} == {status}
    file.unlink()
    assert get(middleware).status_code == 200


@pytest.mark.parametrize("path", ["/ready", "/live", "/metrics", "/openapi.json", "/docs"])
def test_probes_metrics_and_documentation_are_never_touched(
    middleware: Faults, file: Path, path: str
) -> None:
    file.write_text('{"fault": "errors"}')
    assert get(middleware, path).status_code == 200


def test_latency_holds_a_request_and_then_answers_it(
    middleware: Faults, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []
    monkeypatch.setattr(time, "sleep", held.append)
    file.write_text('{"fault": "latency", "seconds": 1.5}')
    assert get(middleware).status_code == 200
    assert held == [1.5]


def test_a_share_is_that_share_of_the_requests(middleware: Faults, file: Path) -> None:
    file.write_text('{"fault": "errors", "share": 0.5}')
    statuses = [get(middleware).status_code for _ in range(400)]
    # Five standard deviations on either side.
    assert 150 < statuses.count(500) < 250
    file.write_text('{"fault": "errors", "share": 0}')
    os.utime(file, (0, 1))
    assert {get(middleware).status_code for _ in range(50)} == {200}


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"fault": "fire"}', '{"fault": "errors", "share": 2}', '{"fault": 1, "x": 2}'],
)
def test_a_file_that_cannot_be_read_is_no_fault(middleware: Faults, file: Path, text: str) -> None:
    file.write_text(text)
    for _ in range(3):
        assert get(middleware).status_code == 200


def test_without_the_setting_there_is_no_such_middleware() -> None:
    with pytest.raises(MiddlewareNotUsed):
        bootstrap.faults(lambda _request: HttpResponse())

import struct
import threading
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict
from telemetry import exposition, multiprocess


@pytest.fixture
def starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a worker that starts, without its header."""
    monkeypatch.setattr(multiprocess, "_directory", str(tmp_path))
    monkeypatch.setenv(multiprocess.DIRECTORY, str(tmp_path))
    file = tmp_path / "counter_1.db"
    file.touch()
    return file


def test_a_client_that_asks_for_no_version_there_is_gets_the_plain_format() -> None:
    plain, _ = exposition.render("")
    for accept in ("text/plain; version=x", "application/openmetrics-text; version=x"):
        assert exposition.render(accept)[0] == plain


def test_a_scrape_waits_for_a_worker_that_starts(starting: Path) -> None:
    header = threading.Timer(0.2, lambda: MmapedDict(str(starting)).close())
    header.start()
    _, body = exposition.render("")
    header.join()
    assert b"service_build_info" in body


def test_a_file_that_stays_without_a_header_is_an_error(
    starting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(struct.error):
        exposition.render("")

import gzip
import json
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import postgres, service
from tests.service import FOLDER

DATA = FOLDER / "data/ports.json"
AJMAN = {"name": "Ajman", "city": "Ajman", "country": "United Arab Emirates"}


@pytest.fixture(scope="module")
def settings(postgres_server: str) -> dict[str, str]:
    tables = postgres.tables(postgres_server)
    return {"PORTS_STORE_URL": postgres.new_database(postgres_server, "ports_import", tables)}


def run(
    settings: dict[str, str], *arguments: str, stdin: bytes = b""
) -> tuple[int, str, list[dict[str, object]]]:
    return result(service.manage("import_ports", *arguments, settings=settings, stdin=stdin))


def run_each(
    settings: dict[str, str], *cases: tuple[tuple[str, ...], bytes]
) -> list[tuple[int, str, list[dict[str, object]]]]:
    """Run the command for each case, one after another."""
    return [run(settings, *arguments, stdin=stdin) for arguments, stdin in cases]


def result(
    done: subprocess.CompletedProcess[bytes],
) -> tuple[int, str, list[dict[str, object]]]:
    """Return a command's status, its standard output, and its log lines but for the times."""
    errors = done.stderr.decode().splitlines()
    assert "Traceback" not in done.stderr.decode()
    lines = [json.loads(line) for line in errors if line.startswith("{")]
    said = [line for line in errors if not line.startswith("{")]
    for line in lines:
        line.pop("timestamp")
        line.pop("duration_s", None)
    return done.returncode, "\n".join([*done.stdout.decode().splitlines(), *said]), lines


def test_the_data_set_is_imported_once_and_unchanged_the_second_time(
    settings: dict[str, str],
) -> None:
    line = {
        "level": "info",
        "event": "ports.import",
        "logger": "seaports.bootstrap",
        "service": "ports",
        "outcome": "committed",
        "invalid": 0,
    }
    zipped = gzip.compress(DATA.read_bytes())
    first, again = run_each(settings, ((str(DATA),), b""), (("-",), zipped))
    assert first == (
        0,
        "created 1634, updated 0, unchanged 0, invalid 0",
        [{**line, "created": 1634, "updated": 0, "unchanged": 0}],
    )
    assert again == (
        0,
        "created 0, updated 0, unchanged 1634, invalid 0",
        [{**line, "created": 0, "updated": 0, "unchanged": 1634}],
    )


def test_a_dry_run_says_what_would_happen_and_changes_nothing(settings: dict[str, str]) -> None:
    data = json.dumps({"XXAAA": AJMAN}).encode()
    for status, output, lines in run_each(settings, *((("-", "--dry-run"), data),) * 2):
        assert (status, output) == (0, "would be created 1, updated 0, unchanged 0, invalid 0")
        assert [line["outcome"] for line in lines] == ["dry-run"]


def test_invalid_records_are_named_and_left_out_when_asked(settings: dict[str, str]) -> None:
    data = json.dumps({"XXBBB": AJMAN, "XXCCC": {}, "nope": AJMAN}).encode()
    status, output, lines = run(settings, "-", "--skip-invalid", "--dry-run", stdin=data)
    assert status == 0
    assert output.splitlines() == [
        "would be created 1, updated 0, unchanged 0, invalid 2",
        "skipped record 2 ('XXCCC'): name is missing",
        (
            "skipped record 3 ('nope'): the key 'nope' is not a UN/LOCODE: two capital letters,"
            " then three capital letters or digits 2-9"
        ),
    ]
    assert [line["invalid"] for line in lines] == [2]


BAD_FILES = {
    "empty": (b"", "the file is empty: it must be a JSON object of ports by UN/LOCODE"),
    "not JSON": (b"hello", "the file must be a JSON object of ports by UN/LOCODE"),
    "top level": (b"[]", "the file must be a JSON object of ports by UN/LOCODE"),
    "truncated": (
        DATA.read_bytes()[:-100],
        "record 1634: not valid JSON: the file ends before its object does",
    ),
    "trailing garbage": (
        DATA.read_bytes() + b"x",
        "record 1635: not valid JSON: something follows the object",
    ),
    "not UTF-8": (
        b'{"XXAAA":"\xff"}',
        "record 1: not valid JSON: str is not valid UTF-8",
    ),
    "duplicate": (
        b'{"XXAAA":%b,"XXAAA":%b}' % ((json.dumps(AJMAN).encode(),) * 2),
        "record 2 ('XXAAA'): the key occurs twice in the file",
    ),
    "out of range": (
        json.dumps({"XXAAA": AJMAN, "XXBBB": {**AJMAN, "coordinates": [1, 91]}}).encode(),
        "record 2 ('XXBBB'): latitude 91 is outside -90..90 (longitude comes first)",
    ),
    "no object": (b'{"XXAAA":7}', "record 1 ('XXAAA'): is a number, not an object"),
    "nested": (
        b'{"XXAAA":' + b"[" * 100_000,
        "record 1: not valid JSON: the file ends before its object does",
    ),
    "gzip cut off": (gzip.compress(DATA.read_bytes(), mtime=0)[:-50], "record "),
}


@pytest.fixture(scope="module")
def refused(settings: dict[str, str]) -> dict[str, subprocess.CompletedProcess[bytes]]:
    """Import each bad file; none of them changes the store."""
    with psycopg.connect(settings["PORTS_STORE_URL"], autocommit=True) as connection:
        revision = "SELECT revision, ports FROM port_store"
        before = connection.execute(revision).fetchall()
        done = {
            file: service.manage("import_ports", "-", settings=settings, stdin=data)
            for file, (data, _) in BAD_FILES.items()
        }
        assert connection.execute(revision).fetchall() == before
        assert connection.execute("SELECT id FROM port WHERE id LIKE 'XX%'").fetchall() == []
    return done


@pytest.mark.parametrize("file", BAD_FILES)
def test_a_bad_file_is_one_clear_error_and_changes_nothing(
    refused: dict[str, subprocess.CompletedProcess[bytes]], file: str
) -> None:
    _, reason = BAD_FILES[file]
    status, output, lines = result(refused[file])
    assert status == 1
    assert output.startswith(f"CommandError: -: {reason}")
    assert output.endswith("; nothing was imported")
    assert len(output.splitlines()) == 1
    (line,) = lines
    assert (line["level"], line["outcome"]) == ("error", "failed")
    assert str(line["reason"]).startswith(reason)


def test_a_file_that_is_not_there_is_said_so(settings: dict[str, str]) -> None:
    assert run_each(settings, (("nope.json",), b""), (("data",), b"")) == [
        (1, "CommandError: nope.json: No such file or directory", []),
        (1, "CommandError: data: Is a directory", []),
    ]


def test_a_database_that_is_not_there_is_one_clear_error() -> None:
    url = f"postgresql://nobody@127.0.0.1:{service.free_port()}/nowhere"
    status, output, _ = run({"PORTS_STORE_URL": url, "PORTS_STATEMENT_SECONDS": "1"}, str(DATA))
    assert status == 1
    assert "the database does not answer" in output
    assert "nobody" not in output


def test_a_database_without_tables_says_what_to_run(postgres_server: str) -> None:
    url = postgres.new_database(postgres_server, "ports_without_tables")
    status, output, _ = run({"PORTS_STORE_URL": url}, str(DATA))
    assert (status, "manage.py migrate" in output) == (1, True)


def test_the_memory_store_is_filled_at_start_not_by_the_command() -> None:
    refused, dry = run_each({}, ((str(DATA),), b""), ((str(DATA), "--dry-run"), b""))
    assert refused[0] == 1
    assert "set PORTS_DATA_FILE and restart it" in refused[1]
    assert dry[:2] == (0, "would be created 1634, updated 0, unchanged 0, invalid 0")


def test_the_service_starts_on_another_data_file(tmp_path: Path) -> None:
    file = tmp_path / "ports.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"XXAAA": AJMAN}).encode()))
    with service.running(tmp_path, PORTS_DATA_FILE=str(file)) as running:
        assert httpx.get(f"{running.url}/ready").json()["ports"] == 1
        loaded = [json.loads(line) for line in running.lines() if '"ports.import"' in line]
    assert [(line["outcome"], line["created"]) for line in loaded] == [("committed", 1)]

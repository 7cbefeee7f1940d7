"""`make run STORE=postgresql`, with a stand-in for gunicorn that says how many ports it finds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import __main__ as program
from stack import components
from stack.errors import StackError

from tests import postgres
from tests.terminal import python_program

ASKS = """
import os, psycopg
with psycopg.connect(os.environ["PORTS_STORE_URL"]) as connection:
    (ports,) = connection.execute("SELECT ports FROM port_store").fetchone()
with open("{told}", "a") as told:
    print(ports, file=told)
"""


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that replaces .stack/."""
    with postgres.folder() as folder:
        monkeypatch.setattr(program, "DATA", folder)
        yield folder


def gunicorn(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    file = data / "gunicorn"
    file.write_text(python_program(ASKS.format(told=data / "told")))
    file.chmod(0o755)
    monkeypatch.setattr(components, "SERVE", (str(file),))


def test_an_import_that_failed_is_done_again_and_one_that_did_not_is_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    gunicorn(monkeypatch, data)
    whole = program.manage

    def failing(place: Path, env: dict[str, str], *command: str) -> None:
        whole(place, env, *(word.replace("data/ports.json", "nope.json") for word in command))

    monkeypatch.setattr(program, "manage", failing)
    with pytest.raises(StackError, match=r"manage\.py import_ports ended with exit code 1"):
        program.over_postgresql()
    monkeypatch.setattr(program, "manage", whole)
    program.over_postgresql()
    program.over_postgresql()
    assert (data / "told").read_text().split() == ["1634", "1634"]
    said = capfd.readouterr()
    assert said.out.count("created 1634") == 1
    password = (data / "postgresql" / "ports" / "password").read_text()
    assert password not in said.out + said.err


def test_a_service_that_fails_fails_the_command(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "manage", lambda _place, _env, *_command: None)
    monkeypatch.setattr(components, "SERVE", ("false",))
    with pytest.raises(StackError, match="gunicorn ended with exit code 1"):
        program.over_postgresql()

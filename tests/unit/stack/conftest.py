"""A container engine and programs that stand in for real ones, on a PATH of their own.

One script plays all of them. The script notes its arguments, fails where FAILING says so, and as a
backend serves at the address that the backend's variables give until SIGTERM.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terminal import python_program

SCRIPT = python_program("""\
import http.server, json, os, pathlib, signal, sys

here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
print(os.environ.get("ANSWER_" + sys.argv[1], ""), flush=True)
if sys.argv[1] in os.environ["FAILING"].split():
    sys.exit("refused: " + sys.argv[1])
if sys.argv[1] in ("run", "server", "--config"):
    if "HEALTH_ENDPOINT" in os.environ:
        host, port = os.environ["HEALTH_ENDPOINT"].split(":")
    else:
        host, port = os.environ["GF_SERVER_HTTP_ADDR"], os.environ["GF_SERVER_HTTP_PORT"]
    signal.signal(signal.SIGTERM, lambda *_: (here / "stopped").touch() or sys.exit(0))

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

    http.server.HTTPServer((host, int(port)), Health).serve_forever()
""")


@dataclass
class FakePath:
    """The only folder on the PATH.

    Attributes:
        folder: Where it is.
        monkeypatch: Changes variables for the test's time.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def add(self, name: str, script: str = SCRIPT) -> str:
        """Put a program there, and return its path."""
        file = self.folder / name
        file.write_text(script)
        file.chmod(0o755)
        return str(file)

    def fail(self, *subcommands: str) -> None:
        """Have these subcommands fail from now on."""
        self.monkeypatch.setenv("FAILING", " ".join(subcommands))

    def answer(self, subcommand: str, text: str) -> None:
        """Have a subcommand print a text."""
        self.monkeypatch.setenv(f"ANSWER_{subcommand}", text)

    def calls(self) -> list[list[str]]:
        """Arguments of every call so far."""
        file = self.folder / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def fake_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePath:
    """A PATH without any program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAILING", "")
    return FakePath(folder, monkeypatch)

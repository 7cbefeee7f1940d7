"""The README's tour prints what it says."""

import re
import subprocess
from pathlib import Path

from tests import service
from tests.service import ROOT

README = (ROOT / "README.md").read_text()


def steps() -> list[tuple[str, str]]:
    """Return each command of the tour with the output that stands below it."""
    (tour,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    parts = re.split(r"^\$ ", tour, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    assert len(steps()) == 6
    with service.running(tmp_path) as running:
        address = running.url.removeprefix("http://")
        for command, output in steps():
            assert command.startswith("curl ")
            assert "localhost:8080" in command
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command.replace("localhost:8080", address)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode, done.stdout.rstrip("\n")) == (0, output.rstrip("\n")), command

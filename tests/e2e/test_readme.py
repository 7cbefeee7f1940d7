"""The README's tour prints what it says."""

import subprocess
from pathlib import Path

from tests import service
from tests.documentation import console


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    steps = console("README.md")
    assert len(steps) == 6
    with service.running(tmp_path) as running:
        address = running.url.removeprefix("http://")
        for command, output in steps:
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

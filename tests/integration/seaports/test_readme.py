"""The README's tour prints what it says."""

import re
import subprocess

from tests.service import ROOT, Service

README = (ROOT / "README.md").read_text()


def steps() -> list[tuple[str, str]]:
    """Return each command of the tour with the output that stands below it."""
    (tour,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    parts = re.split(r"^\$ ", tour, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def test_the_tour_prints_what_the_readme_says(memory_service: Service) -> None:
    assert len(steps()) == 6
    address = memory_service.url.removeprefix("http://")
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


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README) + re.findall(
        r"^\| `([^`]+)`", README, re.MULTILINE
    )
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []

"""The template of a service does not fall behind the service that it was made of."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT

SKELETON = ROOT / "platform" / "backstage" / "template" / "skeleton"
VALUES = {
    "name": "ports",
    "package": "seaports",
    "prefix": "PORTS",
    "description": "The world's seaports over HTTP",
    "objective": "99.9",
}


# Where in a file that begins which is one service's alone.
OWN = {"slo.yaml": "\n---\n", "pyproject.toml": "dependencies = [", "values.yaml": "\ntests:"}


def words(text: str) -> list[str]:
    """Return the words of a text, however its comments are broken into lines."""
    return [word for word in text.split() if word != "#"]


def rendered(text: str) -> str:
    """Render a text in which values alone are replaced."""
    for name, value in VALUES.items():
        text = text.replace(f"${{{{ values.{name} }}}}", value)
    return text


@pytest.mark.parametrize(
    "name",
    ["Dockerfile", "mkdocs.yml", "slo.yaml", "values.yaml", "pyproject.toml"],
)
def test_a_file_that_says_the_same_for_every_service_says_it_of_ports(name: str) -> None:
    template = rendered((SKELETON / "services" / "${{ values.name }}" / name).read_text())
    # ports uses the accelerator of telemetry, which a new service does without.
    own = (
        (ROOT / "services/ports" / name).read_text().replace("-e packages/telemetry-fast \\\n", "")
    )
    end = OWN.get(name)
    assert words(template.split(end)[0]) == words(own.split(end)[0])


@pytest.mark.parametrize("name", ["b", "a23456789012345678901234567890"])
def test_the_code_has_the_linters_form_whatever_length_a_name_has(
    name: str, tmp_path: Path
) -> None:
    """The form takes 30 characters, and 75 of a description; too long a line fails `make lint`."""
    longest = {"description": "d" * 75, "title": name.capitalize()}
    values = VALUES | longest | {"name": name, "package": name, "prefix": name.upper()}
    files = [file for file in SKELETON.rglob("*.py") if file.stat().st_size]
    for file in files:
        text = file.read_text()
        for key, value in values.items():
            text = text.replace(f"${{{{ values.{key} }}}}", value)
        (tmp_path / f"{len(list(tmp_path.iterdir()))}.py").write_text(text)
    assert len(files) > 10
    for command in (["check", "--select", "E501"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", ROOT / "pyproject.toml", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

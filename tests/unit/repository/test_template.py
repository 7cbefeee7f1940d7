"""The template of a service does not fall behind the service that it was made of."""

import pytest

from tests.service import ROOT
from tests.support.template import SKELETON, rendered

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


@pytest.mark.parametrize(
    "name",
    ["Dockerfile", "mkdocs.yml", "slo.yaml", "values.yaml", "pyproject.toml"],
)
def test_a_file_that_says_the_same_for_every_service_says_it_of_ports(name: str) -> None:
    template = rendered((SKELETON / "services" / "${{ values.name }}" / name).read_text(), **VALUES)
    # ports uses the accelerator of telemetry, which a new service does without.
    own = (
        (ROOT / "services/ports" / name).read_text().replace("-e packages/telemetry-fast \\\n", "")
    )
    end = OWN.get(name)
    assert words(template.split(end)[0]) == words(own.split(end)[0])

"""To adopt the repository, people change `platform/adopt.yaml`, and nothing else."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from demo.hosts import Hosts
from demo.repository import overlay
from ruamel.yaml import YAML

from tests import checkout
from tests.platform.chart import render
from tests.platform.chart.render import ROOT
from tests.platform.tilt.evaluation import evaluate

ADOPTION = Path("platform/adopt.yaml")
ACME = """\
organisation: acme
repository: https://git.acme.test/platform
registry: registry.acme.test/images
urls:
  grafana: https://grafana.acme.test
  prometheus: https://prometheus.acme.test
  alertmanager: https://alertmanager.acme.test
  jaeger: https://jaeger.acme.test
  backstage: https://backstage.acme.test
addresses:
  dev: https://{service}.dev.acme.test
  staging: https://{service}.staging.acme.test
  prod: https://{service}.acme.test
"""


def given(root: Path) -> dict[str, str]:
    """The adopted values, each by its key."""
    loaded = YAML(typ="safe").load((root / ADOPTION).read_text())
    flat = {
        f"{group}.{key}": value.replace("{service}", "ports")
        for group in ("urls", "addresses")
        for key, value in loaded.pop(group).items()
    }
    return {**loaded, **flat}


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which that one file is another, and `make generate` was run."""
    root = tmp_path_factory.mktemp("adopted")
    checkout.copy_to(root)
    (root / ADOPTION).write_text(ACME)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    # Nothing is installed again.
    (root / ".venv").symlink_to(ROOT / ".venv")
    generate = ["make", "--old-file=.venv/.dev", "generate"]
    subprocess.run(generate, cwd=root, env=environment, stdout=subprocess.DEVNULL, check=True)
    return root


def own_charts(root: Path) -> list[Path]:
    """Charts that depend on no other, except the services' one."""
    charts = [file.parent for file in sorted(root.glob("platform/**/Chart.yaml"))]
    own = [c for c in charts if "dependencies" not in (c / "Chart.yaml").read_text()]
    return [c for c in own if c.relative_to(root) != render.CHART]


def rendered(root: Path) -> dict[str, str]:
    """Everything that a checkout's tools make of it, by what made it."""
    found = {f"service {name}": render.service(name, root=root) for name in render.services(root)}
    for chart in own_charts(root):
        given = ("--values", str(root / ADOPTION), "--kube-version", render.KUBERNETES)
        found[f"chart {chart.name}"] = render.helm("template", chart.name, str(chart), *given)
    for umbrella in root.glob("platform/**/Chart.yaml"):
        if (values := umbrella.with_name("values.yaml")).exists():
            found[f"values {values.parent.name}"] = values.read_text()
    for file in root.glob("platform/generated/**/*"):
        if file.is_file():
            found[f"generated {file.relative_to(root)}"] = file.read_text()
    found["Tiltfile"] = str(evaluate("full", root).calls)
    image = ["make", "--dry-run", "build", "ENGINE=docker", "TAG=x"]
    found["build"] = subprocess.run(
        image, cwd=root, capture_output=True, text=True, check=True
    ).stdout
    return found


def test_nothing_that_is_rendered_has_what_was_there_before(adopted: Path) -> None:
    old = given(ROOT)
    assert set(old) == set(given(adopted))
    assert not set(old.values()) & set(given(adopted).values())
    # A whole word: the organization's name is one.
    words = [re.compile(rf"(?<![\w-]){re.escape(value)}(?![\w-])") for value in old.values()]
    left = {
        f"{source}: {found[0]}"
        for source, text in rendered(adopted).items()
        for word in words
        if (found := word.search(text))
    }
    assert left == set()


def test_no_file_beside_the_tests_has_an_address_or_a_team_of_before(adopted: Path) -> None:
    """The organization's name may be a word of prose; as the owner of a team it is not."""
    old = given(ROOT)
    wanted = {f"@{old.pop('organisation')}/", *old.values()}
    left = {
        f"{name}: {value}"
        for name in checkout.tracked()
        if not name.startswith("tests/")
        for value in wanted
        if value.encode() in (adopted / name).read_bytes()
    }
    assert left == set()


def test_the_original_adoption_renders_each_value(adopted: Path) -> None:
    """Each value that copies change is rendered somewhere, or the test above could not fail."""
    before = "\n".join(rendered(ROOT).values())
    after = "\n".join(rendered(adopted).values())
    for key in ("organisation", "repository", "registry"):
        assert given(ROOT)[key] in before
        assert given(adopted)[key] in after


def test_the_overlay_of_the_demo_runs_unsigned_images(tmp_path: Path) -> None:
    file = tmp_path / "overlay.yaml"
    file.write_text(overlay(Hosts()))
    given = ("--values", str(ROOT / ADOPTION), "--values", str(file))
    usual, rendered = (
        render.helm("template", "root", "platform/argocd/apps", *values)
        for values in (given[:2], given)
    )
    names = [
        {each["metadata"]["name"] for each in YAML(typ="safe").load_all(text)}
        for text in (usual, rendered)
    ]
    assert names[0] - names[1] == {"kyverno"}
    assert "localhost:30500/ports@" in render.service("ports", "--values", str(file))

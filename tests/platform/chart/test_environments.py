"""Environments without an image are not deployed."""

import pytest

from tests.platform.chart import render
from tests.platform.chart.render import ROOT

SKELETON = ROOT / "platform/backstage/template/skeleton/platform/argocd/environments"


@pytest.mark.parametrize("name", ["services", "services-pruned"])
def test_a_file_without_a_digest_makes_no_application(name: str) -> None:
    """tests/cluster shows how Argo CD reads the selector."""
    adoption = ("--values", "platform/adopt.yaml")
    manifests = render.helm("template", "apps", "platform/argocd/apps", *adoption, root=ROOT)
    (found,) = [each for each in render.objects(manifests) if each["metadata"]["name"] == name]
    (generator,) = found["spec"]["generators"]
    assert set(generator) == {"matrix", "selector"}
    selected = {"key": "image.digest", "operator": "Exists"}
    assert generator["selector"] == {"matchExpressions": [selected]}


def test_a_new_service_has_no_image() -> None:
    files = list(SKELETON.glob("*/*.yaml"))
    assert {file.parent.name for file in files} == {"dev", "staging", "prod"}
    assert [file for file in files if "image:" in file.read_text()] == []

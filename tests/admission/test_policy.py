"""The identity that the policy asks for is that of the release workflow, and of no other."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from stack import values

from tests.admission import chart
from tests.admission.chart import Object
from tests.admission.cluster import POLICY

WORKFLOW = ".github/workflows/release.yml"
REPOSITORY = values.read(values.PLATFORM / "adopt.yaml")["repository"]
RELEASE = f"{REPOSITORY}/{WORKFLOW}@refs/tags/v"


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    objects = chart.rendered(tmp_path_factory.mktemp("chart"))
    return [each for each in objects if each["kind"] == POLICY]


def identity(policy: Object) -> Object:
    (attestor,) = policy["spec"]["attestors"]
    (found,) = attestor["cosign"]["keyless"]["identities"]
    return dict(found)


def test_all_policies_ask_for_the_same(policies: list[Object]) -> None:
    apart = ("matchConstraints", "autogen", "images")
    said = {
        json.dumps({key: value for key, value in each["spec"].items() if key not in apart})
        # Where a Rollout has what a pod has.
        .replace(".spec.template.spec", ".spec")
        for each in policies
    }
    assert len(policies) == 3
    assert len(said) == 1
    assert identity(policies[0])["issuer"] == "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize("tag", ["v1.2.3", "v1.0.0-rc.1"])
def test_a_release_has_the_identity(policies: list[Object], tag: str) -> None:
    assert re.search(identity(policies[0])["subjectRegExp"], RELEASE.removesuffix("v") + tag)


@pytest.mark.parametrize(
    "other",
    [
        f"{REPOSITORY}/{WORKFLOW}@refs/heads/main",
        f"{REPOSITORY}/.github/workflows/ci.yml@refs/tags/v1.2.3",
        f"{REPOSITORY}-fork/{WORKFLOW}@refs/tags/v1.2.3",
        f"https://evil.test/{RELEASE}1.2.3",
        RELEASE.replace("release.yml", "releaseXyml") + "1.2.3",
    ],
)
def test_nothing_else_has_the_identity(policies: list[Object], other: str) -> None:
    assert not re.search(identity(policies[0])["subjectRegExp"], other)


def test_the_workflow_of_that_name_signs_at_a_tag() -> None:
    workflow = YAML(typ="safe").load(Path(values.ROOT / WORKFLOW).read_text())
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    commands = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "make sign" in commands


def test_only_the_prober_needs_no_signature() -> None:
    image = values.chart("chart")["prober"]["image"]
    listed = values.chart("kyverno")["admission"]["unsigned"]
    assert listed == [f"{image['repository']}:{image['tag']}"]

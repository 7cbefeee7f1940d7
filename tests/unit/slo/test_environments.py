"""A Rollout needs SLOs that can judge a version."""

from pathlib import Path

import pytest
from slo.declaration import load_service
from slo.environments import unjudged
from slo.generate import generate
from slo.source import InvalidDeclarationError

from tests.service import ROOT
from tests.support.probes import declared

ON = "autoscaling: {enabled: true}\nrollout:\n  enabled: true\n"


def environment(root: Path, name: str, text: str) -> None:
    file = root / "platform/argocd/environments" / name / "ports.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_a_rollout_that_only_probes_could_judge_is_refused_with_file_line_and_remedy(
    tmp_path: Path,
) -> None:
    slos = load_service(declared(tmp_path))
    environment(tmp_path, "prod", ON)
    (problem,) = unjudged(tmp_path, "ports", slos)
    assert str(problem).startswith(
        f"{tmp_path}/platform/argocd/environments/prod/ports.yaml:3: rollout.enabled: must be false"
    )
    assert "services/ports/slo.yaml" in str(problem)


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "rollout:\n", "rollout: {enabled: false}\n", "replicas: 3\n"]
)
def test_an_environment_without_the_option_is_accepted(tmp_path: Path, text: str) -> None:
    slos = load_service(declared(tmp_path))
    environment(tmp_path, "prod", text)
    assert list(unjudged(tmp_path, "ports", slos)) == []


def test_a_service_that_counts_itself_may_have_a_rollout(tmp_path: Path) -> None:
    slos = load_service(ROOT / "services/ports/slo.yaml")
    environment(tmp_path, "prod", ON)
    assert list(unjudged(tmp_path, "ports", slos)) == []


def test_the_compiler_refuses_it(tmp_path: Path) -> None:
    declared(tmp_path)
    environment(tmp_path, "prod", ON)
    for name in ("platform/adopt.yaml", "platform/chart/values.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    with pytest.raises(InvalidDeclarationError, match=r"ports\.yaml:3: rollout\.enabled"):
        generate(tmp_path)

"""The verdict on a promoted image; kubectl is a stand-in (tests/rollouts has it real)."""

from pathlib import Path
from typing import Any

import pytest
from promote import verdict
from promote.errors import PromotionError
from promote.verdict import main

DIGEST = f"sha256:{'2' * 64}"
FILE = "platform/argocd/environments/prod/shop.yaml"
ON = f"image:\n  digest: {DIGEST}\nrollout:\n  enabled: true\n"

Object = dict[str, Any]


def rollout(phase: str, message: str = "", digest: str = DIGEST, observed: str = "3") -> Object:
    """Answer of kubectl about a Rollout of the third generation."""
    containers = [{"image": f"registry.acme.test/shop@{digest}"}]
    status = {"observedGeneration": observed, "phase": phase, "currentPodHash": "new"}
    if message:
        status["message"] = message
    return {
        "metadata": {"generation": 3},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": status,
    }


def run(name: str, created: str, **status: str) -> Object:
    return {"metadata": {"name": name, "creationTimestamp": created}, "status": status}


RUNS = [
    run("shop-2", "2026-01-02", phase="Failed", message='Metric "availability-burn" failed'),
    run("shop-1", "2026-01-01", phase="Successful"),
    run("shop-3", "2026-01-03"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(ON)
    return tmp_path


def ask(root: Path, *more: str) -> int:
    words = ["--root", str(root), "--service", "shop", "--environment", "prod", *more]
    return main(words, poll_seconds=0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Object]:
    """Answers of `kubectl get rollout`, in turn; the last answer stays."""
    given: list[Object] = []

    def kubectl(*arguments: str) -> Object:
        if arguments[1] == "analysisruns":
            expected = ("--namespace=shop-prod", "--selector=rollouts-pod-template-hash=new")
            assert arguments[2:] == expected
            return {"items": RUNS}
        assert arguments == ("get", "rollout", "shop", "--namespace=shop-prod")
        return given.pop(0) if len(given) > 1 else given[0]

    monkeypatch.setattr(verdict, "kubectl", kubectl)
    return given


@pytest.mark.parametrize(
    ("phase", "code", "word"),
    [("Healthy", 0, "promoted"), ("Degraded", 1, "rolled back"), ("Paused", 1, "held")],
)
def test_a_decided_version_is_told_with_what_the_slos_said(
    root: Path,
    answers: list[Object],
    capsys: pytest.CaptureFixture[str],
    phase: str,
    code: int,
    word: str,
) -> None:
    answers.append(rollout(phase, "Why"))
    assert ask(root) == code
    assert capsys.readouterr().out.splitlines() == [
        f"{word} in prod: shop {DIGEST}",
        "Why",
        "Successful: shop-1",
        'Failed: shop-2: Metric "availability-burn" failed',
        "Pending: shop-3",
    ]


def test_it_waits_for_argo_cd_for_the_controller_and_for_the_steps(
    root: Path, answers: list[Object]
) -> None:
    answers += [
        rollout("Healthy", digest=f"sha256:{'1' * 64}"),
        rollout("Healthy", observed="2"),
        rollout("Progressing"),
        rollout("Healthy"),
    ]
    assert ask(root) == 0
    assert len(answers) == 1


def test_a_version_that_stays_undecided_is_no_success(
    root: Path, answers: list[Object], capsys: pytest.CaptureFixture[str]
) -> None:
    answers.append(rollout("Progressing"))
    assert ask(root, "--minutes=0") == 1
    said = capsys.readouterr().err
    assert f"no verdict: {DIGEST}: undecided after 0 minutes (--minutes); see kubectl" in said


def test_an_environment_without_a_rollout_has_nothing_to_wait_for(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / FILE).write_text(f"image:\n  digest: {DIGEST}\n")
    assert ask(root) == 0
    assert f"{FILE}: rollout.enabled is off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, f"{FILE}: No such file or directory"),
        ("rollout: [", f"{FILE}: not valid YAML"),
        ("rollout:\n  enabled: true\n", f"{FILE}: image.digest: missing"),
    ],
)
def test_a_wrong_file_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    (root / FILE).unlink()
    if text is not None:
        (root / FILE).write_text(text)
    assert ask(root) == 1
    assert says in capsys.readouterr().err


def program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script on the PATH as kubectl, and nothing else."""
    (folder / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_kubectls_words_are_told_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "echo 'no such context' >&2; exit 1", monkeypatch)
    with pytest.raises(PromotionError, match="kubectl get rollout: no such context"):
        verdict.kubectl("get", "rollout", "shop")


def test_kubectl_is_asked_for_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, 'echo "{\\"said\\": \\"$*\\"}"', monkeypatch)
    assert verdict.kubectl("get", "rollout") == {"said": "get rollout --output=json"}


def test_a_missing_kubectl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromotionError, match="kubectl is missing"):
        verdict.kubectl("get", "rollout")

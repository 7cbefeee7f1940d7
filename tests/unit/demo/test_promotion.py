"""Promotions of the demo; the commands are stand-ins (`make e2e-demo` runs the real ones)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from demo import promotion as module
from demo.errors import DemoError
from demo.promotion import OVERRIDE, Promotion
from demo.repository import Clone

from tests.unit.demo.conftest import git

BRANCH = "promote/shop-staging-1"


@pytest.fixture
def promotion(checkout: Path, tmp_path: Path, remote: str) -> Promotion:
    clone = Clone.of(checkout, tmp_path / "clone")
    clone.follow(remote)
    return Promotion(clone, "shop", "http://prometheus.test")


def branch(promotion: Promotion) -> None:
    clone = promotion.clone
    clone.git("switch", "--quiet", "--create", BRANCH)
    clone.git("commit", "--quiet", "--allow-empty", "--message=Promote")
    clone.git("switch", "--quiet", "main")


def answer(monkeypatch: pytest.MonkeyPatch, name: str, *codes: int, told: str = "") -> list[str]:
    """Let a command end with these codes, one for each call; return the words of all calls."""
    calls: list[str] = []

    def main(words: Sequence[str]) -> int:
        calls.append(" ".join(words))
        print(told)
        return codes[len(calls) - 1]

    monkeypatch.setattr(f"demo.promotion.{name}.main", main)
    return calls


def test_an_image_is_promoted_and_its_branch_merged(
    promotion: Promotion, monkeypatch: pytest.MonkeyPatch, remote: str
) -> None:
    def main(words: Sequence[str]) -> int:
        assert "--override" not in words
        branch(promotion)
        return 0

    monkeypatch.setattr("demo.promotion.cli.main", main)
    assert promotion.promote("dev", "staging") == "error budget is left"
    assert git(Path(remote), "log", "-1", "--format=%s", "main") == f"Merge {BRANCH}"


def test_a_refusal_is_overridden_and_told(
    promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "yes dev shop a\nno  staging shop b: no data\nnot promoted: see above"
    calls = answer(monkeypatch, "cli", 1, 0, told=told)
    branched = module._captured

    def captured(command: Callable[[Sequence[str]], int], words: Sequence[str]) -> tuple[int, str]:
        code, printed = branched(command, words)
        if code == 0:
            branch(promotion)
        return code, printed

    monkeypatch.setattr(module, "_captured", captured)
    expected = "OVERRIDE, since the gate said: no staging shop b: no data"
    assert promotion.promote("dev", "staging") == expected
    assert [f"--override {OVERRIDE}" in each for each in calls] == [False, True]


@pytest.mark.parametrize(
    ("codes", "told"), [((1,), "git push failed"), ((1, 1), "no  dev: no data")]
)
def test_another_failure_ends_the_promotion(
    promotion: Promotion, monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...], told: str
) -> None:
    calls = answer(monkeypatch, "cli", *codes, told=told)
    with pytest.raises(DemoError, match=told):
        promotion.promote("dev", "staging")
    assert len(calls) == len(codes)


def test_nothing_to_promote_merges_nothing(
    promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "cli", 0, told="nothing to promote")
    assert promotion.promote("dev", "staging") == ""


def test_a_branch_of_a_run_that_ended_is_merged(promotion: Promotion) -> None:
    branch(promotion)
    assert promotion.promote("dev", "staging") == f"merged {BRANCH}"


def test_the_verdict_decides(promotion: Promotion, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "verdict", 0, told="staging/shop.yaml: rollout.enabled is off")
    assert promotion.judge("staging") == ""
    answer(monkeypatch, "verdict", 0, 1, told="promoted in prod: shop sha256:1\nSuccessful: run")
    assert promotion.judge("prod") == "promoted in prod"
    with pytest.raises(DemoError, match="Successful: run"):
        promotion.judge("prod")

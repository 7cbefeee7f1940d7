"""Promotion on real git repositories; Prometheus is a stand-in (tests/cluster has it real)."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from promote.cli import main

from tests.support.answers import answering, vector
from tests.unit.slo.conftest import ADOPTION, VALID, declare

OLD, NEW = (f"sha256:{digit * 64}" for digit in "12")
STAGING = f"# What it runs.\nimage:\n  # moved by promotion\n  digest: {NEW} # the candidate\n"
PROD = f"replicas: 3\nimage:\n  pullSecrets: [a]\n  digest: {OLD}\n\nfaults:\n  enabled: true\n"
BRANCH = f"promote/shop-prod-{'2' * 12}"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository on its main branch, with a remote, and one service in two environments."""
    root, remote = tmp_path / "repository", tmp_path / "remote"
    declare(root, "shop", VALID)
    (root / "platform").mkdir()
    (root / "platform/adopt.yaml").write_text(ADOPTION)
    for environment, text in {"staging": STAGING, "prod": PROD}.items():
        file = root / f"platform/argocd/environments/{environment}/shop.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Test")
    git(root, "config", "user.email", "test@example.com")
    git(root, "remote", "add", "origin", str(remote))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Begin")
    return root


@pytest.fixture
def healthy() -> Iterator[str]:
    with answering(vector("0.4")) as url:
        yield url


@pytest.fixture
def spent() -> Iterator[str]:
    with answering(vector("-0.2")) as url:
        yield url


def promote(root: Path, url: str, *more: str, source: str = "staging", target: str = "prod") -> int:
    where = ("--root", str(root), "--prometheus", url)
    return main([*where, "--service", "shop", "--from", source, "--to", target, *more])


def test_a_promotion_is_one_commit_that_moves_the_digest_and_nothing_else(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote(root, healthy) == 0
    assert git(root, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    path = "platform/argocd/environments/prod/shop.yaml"
    assert git(root, "show", f"{BRANCH}:{path}") == PROD.replace(OLD, NEW)
    assert git(root, "diff", "--name-only", "main", BRANCH).split() == [path]
    assert git(root, "log", "-1", "--format=%B", BRANCH).strip().splitlines() == [
        "Promote shop from staging to prod",
        "",
        f"Image: {NEW}",
        "",
        "yes staging shop availability: 40.00% of the error budget left",
        "yes prod shop availability: 40.00% of the error budget left",
    ]
    told = capsys.readouterr().out
    assert f"-  digest: {OLD}\n+  digest: {NEW}\n" in told
    assert f"git push -u origin {BRANCH}" in told
    assert "make verdict" not in told


def test_a_promotion_to_a_rollout_tells_how_to_wait_for_its_verdict(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / "platform/argocd/environments/prod/shop.yaml"
    file.write_text(f"{PROD}rollout:\n  enabled: true\n")
    git(root, "commit", "--quiet", "--all", "--message", "Deliver step by step")
    assert promote(root, healthy) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "after the merge: make verdict SERVICE=shop TO=prod"


def test_the_checkout_stays_as_the_person_left_it(root: Path, healthy: str) -> None:
    (root / "notes").write_text("unfinished")
    (root / "platform/argocd/environments/prod/shop.yaml").write_text("half an edit")
    before = git(root, "status", "--porcelain", "--branch")
    assert promote(root, healthy) == 0
    assert git(root, "status", "--porcelain", "--branch") == before
    assert git(root, "worktree", "list").count("\n") == 1


def test_a_spent_budget_refuses_and_leaves_no_branch(
    root: Path, spent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote(root, spent) == 1
    assert git(root, "branch", "--list", "promote/*") == ""
    told = capsys.readouterr()
    assert "no  prod shop availability: -20.00% of the error budget left" in told.out
    assert "not enough error budget or data" in told.err


def test_missing_data_refuses(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(vector()) as url:
        assert promote(root, url) == 1
    assert "no  staging shop availability: no data now" in capsys.readouterr().out


def test_an_unreachable_prometheus_refuses(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(root, "http://127.0.0.1:1") == 1
    assert "no  prod: cannot ask" in capsys.readouterr().out


def test_an_override_needs_a_reason(root: Path, spent: str) -> None:
    assert promote(root, spent, "--override", " ") == 2
    assert git(root, "branch", "--list", "promote/*") == ""


def test_an_override_goes_into_the_commit_with_what_it_overrode(root: Path, spent: str) -> None:
    assert promote(root, spent, "--override", "fixes the outage\nof today") == 0
    message = git(root, "log", "-1", "--format=%B", BRANCH)
    assert "no  prod shop availability: -20.00% of the error budget left" in message
    trailers = git(root, "log", "-1", "--format=%(trailers:key=Gate-Override,valueonly)", BRANCH)
    assert trailers.strip() == "fixes the outage of today"


def test_an_override_that_was_not_needed_is_not_noted(root: Path, healthy: str) -> None:
    assert promote(root, healthy, "--override", "to be sure") == 0
    assert "Gate-Override" not in git(root, "log", "-1", "--format=%B", BRANCH)


def test_a_push_puts_the_branch_on_the_remote_and_leaves_main_alone(
    root: Path, healthy: str
) -> None:
    assert promote(root, healthy, "--push") == 0
    assert [line.split("/", 2)[2] for line in git(root, "ls-remote", "origin").splitlines()] == [
        BRANCH
    ]


def test_an_image_that_the_target_runs_is_not_promoted(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote(root, healthy, target="staging") == 0
    assert "nothing to promote" in capsys.readouterr().out
    assert git(root, "branch", "--list", "promote/*") == ""


def test_a_second_promotion_of_the_same_image_names_the_branch_that_there_is(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote(root, healthy) == 0
    assert promote(root, healthy) == 1
    assert BRANCH in capsys.readouterr().err
    assert git(root, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"


def change(root: Path, environment: str, text: str) -> str:
    """Commit another file of an environment; its path."""
    path = f"platform/argocd/environments/{environment}/shop.yaml"
    (root / path).write_text(text)
    git(root, "commit", "--quiet", "--all", "--message", "Change it")
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("replicas: 2\n", "missing"),
        ("image:\n  digest: sha256:abc\n", "sha256:abc"),
        ("image: {}\nother:\n  digest: " + NEW + "\n", "missing"),
    ],
)
def test_a_source_without_an_image_is_refused_with_its_file(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str], text: str, found: str
) -> None:
    path = change(root, "staging", text)
    assert promote(root, healthy) == 1
    assert capsys.readouterr().err == (
        f"not promoted: {path}: image.digest: {found}; it must be sha256:<64 hex digits>,"
        " which a release or a promotion writes\n"
    )


ADDED = f"image:\n  digest: {NEW}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ADDED),
        ("# Differences.", f"# Differences.\n{ADDED}"),
        ("# Of\n# prod.\nreplicas: 3\n", f"# Of\n# prod.\nreplicas: 3\n{ADDED}"),
        ("image: # its\nreplicas: 3\n", f"image: # its\n  digest: {NEW}\nreplicas: 3\n"),
        (
            "image:\n\n    # of the registry\n    pullSecrets: [a]\n",
            f"image:\n    digest: {NEW}\n\n    # of the registry\n    pullSecrets: [a]\n",
        ),
        ('image:\n  digest: "" # none\n', f"image:\n  digest: {NEW} # none\n"),
        ("image:\n  digest:\n  pullSecrets: [a]\n", f"{ADDED}  pullSecrets: [a]\n"),
    ],
)
def test_a_target_without_an_image_gets_one_and_keeps_the_rest(
    root: Path, healthy: str, before: str, after: str
) -> None:
    path = change(root, "prod", before)
    assert promote(root, healthy) == 0
    assert git(root, "show", f"{BRANCH}:{path}") == after


def test_a_target_whose_image_is_in_braces_is_refused_with_its_file(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = change(root, "prod", "image: {pullSecrets: [a]}\n")
    assert promote(root, healthy) == 1
    assert f"not promoted: {path}: image: must have one line" in capsys.readouterr().err


def test_an_unknown_environment_is_refused(
    root: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote(root, healthy, target="moon") == 1
    assert "environments/moon/shop.yaml" in capsys.readouterr().err

"""The demo's clone on real git repositories; the person's stays as it is."""

from pathlib import Path

import pytest
from demo.errors import DemoError
from demo.hosts import Hosts
from demo.repository import OVERLAY, Clone

from tests.unit.demo.conftest import git

DIGEST = f"sha256:{'1' * 64}"


@pytest.fixture
def clone(checkout: Path, tmp_path: Path, remote: str) -> Clone:
    made = Clone.of(checkout, tmp_path / "clone")
    made.follow(remote)
    return made


def test_the_clone_is_the_persons_commit_on_its_own_branch(checkout: Path, clone: Clone) -> None:
    assert clone.head() == git(checkout, "rev-parse", "HEAD")
    assert clone.git("branch", "--show-current") == "main\n"
    assert clone.push()
    assert not clone.push(), "the git host has it already"
    assert git(checkout, "branch", "--format=%(refname:short)") == "work"


def test_an_existing_clone_is_kept(checkout: Path, clone: Clone) -> None:
    clone.point_at(Hosts())
    assert Clone.of(checkout, clone.path).head() == clone.head()


def test_new_commits_of_the_person_are_taken_once(checkout: Path, clone: Clone) -> None:
    clone.point_at(Hosts())
    assert not clone.take(str(checkout), "HEAD")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message=More")
    assert clone.take(str(checkout), "HEAD")
    assert not clone.take(str(checkout), "HEAD")


def test_a_conflict_leaves_the_clone_as_it_was(checkout: Path, clone: Clone) -> None:
    file = Path("platform/argocd/environments/dev/shop.yaml")
    clone.write(file, "replicas: 2\n", "Two")
    (checkout / file).write_text("replicas: 3\n")
    git(checkout, "commit", "--quiet", "--all", "--message=Three")
    before = clone.head()
    with pytest.raises(DemoError, match="git merge"):
        clone.take(str(checkout), "HEAD")
    assert clone.head() == before
    assert clone.git("status", "--porcelain") == ""


def test_commits_on_the_git_host_are_taken(
    checkout: Path, clone: Clone, remote: str, tmp_path: Path
) -> None:
    clone.point_at(Hosts())
    clone.push()
    other = Clone.of(checkout, tmp_path / "other")
    other.follow(remote)
    assert other.head() == clone.head()


def test_the_overlay_names_the_addresses_and_is_committed_once(clone: Clone) -> None:
    assert clone.point_at(Hosts())
    assert not clone.point_at(Hosts())
    text = clone.git("show", f"main:{OVERLAY}")
    assert "repository: git://git.demo.svc/ports-platform\nregistry: localhost:30500\n" in text


def test_a_digest_is_committed_as_the_release_does(clone: Clone) -> None:
    with pytest.raises(DemoError, match=r"dev/shop.yaml: image.digest: missing"):
        clone.digest("shop", "dev")
    assert clone.deploy("shop", "dev", DIGEST)
    assert not clone.deploy("shop", "dev", DIGEST)
    assert clone.digest("shop", "dev") == DIGEST
    assert clone.git("show", "--format=%s", "--name-only", "main").split("\n\n") == [
        "Deploy shop sha256:111111111111 to dev",
        "platform/argocd/environments/dev/shop.yaml\n",
    ]


def test_a_branch_is_merged_and_pushed(clone: Clone, remote: str) -> None:
    assert clone.unmerged("promote/shop-*") == ""
    clone.git("switch", "--quiet", "--create", "promote/shop-prod-1")
    clone.git("commit", "--quiet", "--allow-empty", "--message=Promote")
    clone.git("switch", "--quiet", "main")
    assert clone.unmerged("promote/shop-*") == "promote/shop-prod-1"
    clone.merge("promote/shop-prod-1")
    assert clone.unmerged("promote/shop-*") == ""
    assert git(Path(remote), "log", "-1", "--format=%s", "main") == "Merge promote/shop-prod-1"

"""A published image is proposed to an environment by a branch and a pull request."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service import ROOT

FILE = "platform/argocd/environments/dev/ports.yaml"
OLD, NEW = (f"sha256:{digits * 32}" for digits in ("b2", "a1"))
CONTENT = f"# As it is.\nimage:\n  digest: {OLD}\nreplicas: 1\n"


@dataclass
class Checkout:
    """A clone with `tools/propose`, its origin, and what a stand-in for `gh` was asked."""

    root: Path
    origin: Path
    asked: Path

    def git(self, *arguments: str, at: Path | None = None) -> str:
        name = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        return subprocess.run(
            ["git", *name, *arguments],
            cwd=at or self.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def propose(
        self, image: str, environment: str = "dev", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "tools" / "propose", "ports", environment, image],
            cwd=self.root,
            env=os.environ
            | {"PATH": f"{self.asked.parent}:{os.environ['PATH']}", "ASKED": str(self.asked)}
            | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "clone", tmp_path / "origin", tmp_path / "bin" / "asked")
    for folder in (checkout.root, checkout.origin, checkout.asked.parent):
        folder.mkdir()
    gh = checkout.asked.parent / "gh"
    gh.write_text('#!/bin/sh\necho "$@" >> "$ASKED"\n')
    gh.chmod(0o755)
    checkout.git("init", "--quiet", "--bare", at=checkout.origin)
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.git("remote", "add", "origin", str(checkout.origin))
    (checkout.root / FILE).parent.mkdir(parents=True)
    (checkout.root / FILE).write_text(CONTENT)
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message=Start")
    return checkout


def test_the_branch_changes_the_digest_alone_and_a_pull_request_is_opened(
    checkout: Checkout,
) -> None:
    done = checkout.propose(f"registry.example.com/ports@{NEW}")
    assert done.returncode == 0, done.stderr
    branch = f"deploy/ports-dev-{NEW[7:19]}"
    pushed = checkout.git("show", f"{branch}:{FILE}", at=checkout.origin)
    assert pushed == CONTENT.replace(OLD, NEW)
    setup, opened, *_ = checkout.asked.read_text().splitlines()
    assert setup == "auth setup-git"
    assert opened.startswith(f"pr create --base main --head {branch} --title Run ports")


def test_the_first_image_is_added_to_a_file_that_has_none(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text("# As it is.\nreplicas: 1\n")
    checkout.git("commit", "--quiet", "--all", "--message=No image yet")
    done = checkout.propose(f"registry.example.com/ports@{NEW}")
    assert done.returncode == 0, done.stderr
    pushed = checkout.git("show", f"deploy/ports-dev-{NEW[7:19]}:{FILE}", at=checkout.origin)
    assert pushed == f"# As it is.\nreplicas: 1\nimage:\n  digest: {NEW}\n"


def test_a_file_that_an_image_cannot_be_added_to_is_refused(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text("image: {pullSecrets: [a]}\n")
    done = checkout.propose(f"registry.example.com/ports@{NEW}")
    assert (done.returncode, done.stderr.startswith(f"{FILE}: image: must have")) == (1, True)
    assert not checkout.asked.exists()


@pytest.mark.parametrize(("starts", "says"), [("true", False), ("false", True)])
def test_a_pull_request_that_starts_no_check_says_so(
    checkout: Checkout, starts: str, says: bool
) -> None:
    done = checkout.propose(f"registry.example.com/ports@{NEW}", CHECKS_START=starts)
    assert done.returncode == 0, done.stderr
    assert ("Close and open this pull request" in checkout.asked.read_text()) == says


def test_an_image_that_runs_already_is_not_proposed(checkout: Checkout) -> None:
    done = checkout.propose(f"registry.example.com/ports@{OLD}")
    assert (done.returncode, done.stdout) == (0, f"dev runs {OLD} already\n")
    assert not checkout.asked.exists()


@pytest.mark.parametrize(
    ("image", "environment", "message"),
    [
        ("registry.example.com/ports:latest", "dev", "is no image by digest"),
        (f"registry.example.com/ports@{NEW}", "moon", "does not run in moon"),
    ],
)
def test_propose_refuses_a_tag_and_an_unknown_environment(
    checkout: Checkout, image: str, environment: str, message: str
) -> None:
    done = checkout.propose(image, environment)
    assert done.returncode == 2
    assert message in done.stderr
    assert not checkout.asked.exists()

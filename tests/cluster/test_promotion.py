"""An image goes from dev to staging to prod, past a gate that asks a real Prometheus."""

from pathlib import Path

from stack.cluster import Cluster

from tests import terminal
from tests.cluster.applications import Applications, image
from tests.cluster.budgets import LEFT, SPENT, budgets
from tests.cluster.conftest import Bootstrap
from tests.cluster.programs import run
from tests.cluster.repository import Repository
from tests.documentation import documented
from tests.terminal import attempt

NEW = "sha256:" + "4" * 64
NEW_SHORT = "4" * 12
PAGE = "docs/gitops.md"


def promote(clone: Path, url: str, source: str, target: str) -> tuple[int, str]:
    """Type the page's `make promote`, with what main is now; the exit code and what it printed."""
    run("git", "pull", "--quiet", "--ff-only", cwd=clone)
    typed = documented(PAGE, "make promote")
    typed = typed.replace("FROM=staging TO=prod", f"FROM={source} TO={target}")
    return attempt(f"{typed} PROMETHEUS={url} --old-file=.venv/.dev", folder=clone)


def push(clone: Path, target: str, promoted: tuple[int, str]) -> None:
    """Type the page's `git push`, which the promotion printed too."""
    code, printed = promoted
    assert code == 0, printed
    typed = documented(PAGE, "git push").replace("prod-…", f"{target}-{NEW_SHORT}")
    assert f"\n{typed} #" in printed
    terminal.run(typed, folder=clone)


def test_an_image_is_promoted_from_dev_to_prod_and_refused_while_the_budget_is_spent(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    clone: Path,
    tmp_path: Path,
) -> None:
    applications.wait_deployed("ports-dev", repository.set_digest("dev", NEW))
    running = image(cluster, "prod")

    def merge(target: str) -> None:
        branch = f"promote/ports-{target}-{NEW_SHORT}"
        repository.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        applications.wait_deployed(f"ports-{target}", repository.head())
        assert image(cluster, target).endswith(NEW)

    with budgets(tmp_path / "spent", {"dev": LEFT, "staging": LEFT, "prod": SPENT}) as url:
        push(clone, "staging", promote(clone, url, "dev", "staging"))
        merge("staging")
        code, printed = promote(clone, url, "staging", "prod")
        assert code != 0
        assert "no  prod ports availability: -10.00% of the error budget left" in printed
        assert run("git", "branch", "--list", "promote/ports-prod-*", cwd=clone) == ""
        assert image(cluster, "prod") == running

    with budgets(tmp_path / "left", {"dev": LEFT, "staging": LEFT, "prod": LEFT}) as url:
        push(clone, "prod", promote(clone, url, "staging", "prod"))
        assert image(cluster, "prod") == running, "a branch deploys nothing"
        merge("prod")

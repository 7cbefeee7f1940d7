"""An image goes from dev to staging to prod, past a gate that asks a real Prometheus."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from slo import series
from slo.windows import BASE_WINDOW
from stack.cluster import Cluster
from stack.components import BIN

from tests.cluster.applications import Applications
from tests.cluster.conftest import Bootstrap
from tests.cluster.programs import run
from tests.cluster.repository import ROOT, Repository
from tests.cluster.test_rollout import image
from tests.platform.slo.real import prometheus

NEW = "sha256:" + "4" * 64
LEFT, SPENT = 0.4, -0.1


@contextmanager
def budgets(folder: Path, left: Mapping[str, float]) -> Iterator[str]:
    """A Prometheus that has recorded how much budget each environment has left; its URL."""
    folder.mkdir()
    now = int(time.time())
    lines = []
    for environment, budget in left.items():
        target = f'service_name="ports",deployment_environment_name="{environment}"'
        recorded = [(f"up{{{target}}}", 1.0)]
        for slo in ("availability", "latency"):
            labels = f'{{{target},slo="{slo}"}}'
            recorded += [
                (series.REMAINING + labels, budget),
                (series.total(BASE_WINDOW) + labels, 5.0),
            ]
        for name, value in recorded:
            lines += [f"{name} {value} {moment}" for moment in range(now - 120, now + 1200, 60)]
    (folder / "text").write_text("\n".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "openmetrics")
    run(str(BIN / "promtool"), *create, str(folder / "text"), str(folder / "data"))
    with prometheus(folder) as server:
        yield server.url


def promote(repository: Repository, url: str, source: str, target: str) -> str:
    command = (str(ROOT / ".venv/bin/promote"), "--service=ports", f"--prometheus={url}")
    return run(*command, f"--from={source}", f"--to={target}", cwd=repository.path)


def test_an_image_is_promoted_from_dev_to_prod_and_refused_while_the_budget_is_spent(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    tmp_path: Path,
) -> None:
    applications.wait_deployed("ports-dev", repository.set_digest("dev", NEW))
    running = image(cluster, "prod")

    def merge(target: str) -> None:
        branch = f"promote/ports-{target}-{'4' * 12}"
        repository.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        applications.wait_deployed(f"ports-{target}", repository.head())
        assert image(cluster, target).endswith(NEW)

    with budgets(tmp_path / "spent", {"dev": LEFT, "staging": LEFT, "prod": SPENT}) as url:
        print(promote(repository, url, "dev", "staging"))
        merge("staging")
        with pytest.raises(AssertionError, match="exited with 1") as refusal:
            promote(repository, url, "staging", "prod")
        reason = "no  prod ports availability: -10.00% of the error budget left"
        assert reason in str(refusal.value)
        assert repository.git("branch", "--list", "promote/ports-prod-*") == ""
        assert image(cluster, "prod") == running

    with budgets(tmp_path / "left", {"dev": LEFT, "staging": LEFT, "prod": LEFT}) as url:
        promote(repository, url, "staging", "prod")
        assert image(cluster, "prod") == running, "a branch deploys nothing"
        merge("prod")

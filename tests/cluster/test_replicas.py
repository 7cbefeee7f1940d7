"""The number of replicas passes from git to the autoscaler and back, and never falls on the way."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stack import kubernetes
from stack.cluster import Cluster
from stack.ways import BIN, tool

from tests.cluster.applications import (
    Applications,
    eventually,
    gone,
    image,
    is_well,
    replicas,
    revisions,
)
from tests.cluster.conftest import Bootstrap
from tests.cluster.programs import run
from tests.cluster.repository import Repository
from tests.service import ROOT

SECOND = "sha256:" + "5" * 64
SPACE = "--namespace=ports-staging"


@contextmanager
def numbers(cluster: Cluster, folder: Path, space: str) -> Iterator[list[int]]:
    """Each number of replicas that the Deployment had in the block, filled in at its end."""
    command = [tool("kubectl"), f"--kubeconfig={kubernetes.kubeconfig(cluster.site)}"]
    command += ["get", "deployment", "ports", space, "--watch"]
    command += ["--output=jsonpath={.spec.replicas}{'\\n'}"]
    file, seen = folder / "numbers", list[int]()
    with file.open("w") as out, subprocess.Popen(command, stdout=out) as process:
        try:
            eventually(lambda: file.stat().st_size > 0, "kubectl saw nothing")
            yield seen
        finally:
            time.sleep(1)  # the last event is on its way
            process.terminate()
    for line in file.read_text().split():
        if not seen or seen[-1] != int(line):
            seen.append(int(line))


def change(repository: Repository, text: str) -> str:
    """Commit what staging's file says beside its digest."""
    file = repository.environment("staging")
    file.write_text(f"image:\n  digest: {repository.digest('staging')}\n{text}")
    return repository.commit("Change staging")


@pytest.mark.parametrize("first", ["the application", "its set"])
def test_switching_the_autoscaler_never_scales_a_service_down(
    platform: Bootstrap,
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    tmp_path: Path,
    first: str,
) -> None:
    def deploy(text: str) -> None:
        commit = change(repository, text)
        if first == "the application":
            applications.wait("ports-staging", lambda found: revisions(found) == {commit})
            time.sleep(3)  # it would heal what it takes for drift
        applications.refresh_sets()
        applications.wait_deployed("ports-staging", commit)

    before = repository.environment("staging").read_text()
    applications.wait("ports-staging", is_well)
    deploy("replicas: 6\n")
    eventually(lambda: replicas(cluster, "staging") == 6, "git's number does not count")
    with numbers(cluster, tmp_path, SPACE) as seen:
        # Nobody keeps a number that seems to be the autoscaler's from now on.
        deploy("autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 12}\n")
        eventually(lambda: not gone(cluster, "hpa", "ports", "ports-staging"), "no autoscaler")
        assert replicas(cluster, "staging") == 6
        # No metrics here: an autoscaler then only raises a deployment to its minimum.
        deploy("autoscaling: {enabled: true, minReplicas: 8, maxReplicas: 12}\n")
        eventually(lambda: replicas(cluster, "staging") == 8, "the autoscaler did not raise it")
        repository.set_digest("staging", SECOND)
        applications.wait_deployed("ports-staging", repository.head())
        assert image(cluster, "staging").endswith(SECOND)
        deploy("replicas: 8\n")
        eventually(lambda: gone(cluster, "hpa", "ports", "ports-staging"), "still an autoscaler")
    print(f"  {first} first: {' -> '.join(map(str, seen))}")
    assert seen == [6, 8]
    deploy("replicas: 9\n")
    eventually(lambda: replicas(cluster, "staging") == 9, "git's number does not count any more")
    repository.environment("staging").write_text(before)
    commit = repository.commit("Restore staging")
    applications.refresh_sets()
    applications.wait_deployed("ports-staging", commit)


def test_helm_keeps_the_replicas_while_the_autoscaler_is_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    space = "--namespace=by-helm"

    def upgrade(**values: str) -> None:
        files = [f"--values={ROOT}/{each}" for each in ("platform/adopt.yaml", FACTS)]
        given = {"environment": "local", "image.tag": "any", "serviceMonitor.enabled": "false"}
        pairs = (given | {key.replace("__", "."): text for key, text in values.items()}).items()
        flags = [f"--set={key}={text}" for key, text in pairs]
        config = f"--kubeconfig={kubernetes.kubeconfig(cluster.site)}"
        command = ("upgrade", "--install", "ports", f"{ROOT}/platform/chart", config, space)
        run(str(BIN / "helm"), *command, "--create-namespace", *files, *flags)

    def number() -> int:
        found: int = cluster.get("deployment", "ports", space)["spec"]["replicas"]
        return found

    upgrade(replicas="6")
    with numbers(cluster, tmp_path, space) as seen:
        upgrade(autoscaling__enabled="true", autoscaling__maxReplicas="12")
        cluster.kubectl("scale", "deployment", "ports", "--replicas=8", space)  # as it would
        upgrade(autoscaling__enabled="true", autoscaling__maxReplicas="12")
        upgrade(replicas="8")
    cluster.kubectl("delete", "namespace", "by-helm")
    assert seen == [6, 8]


FACTS = "services/ports/values.yaml"

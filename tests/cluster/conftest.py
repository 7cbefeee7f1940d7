"""One cluster for all scenarios, and a line for each at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from stack import argocd, kubernetes
from stack.cluster import Cluster
from stack.components import Site
from stack.kubernetes import module
from stack.ways import BIN

from tests import scenarios, terminal
from tests.cluster import charts
from tests.cluster.applications import Applications, Timeline, watched
from tests.cluster.programs import run
from tests.cluster.repository import Repository
from tests.documentation import documented
from tests.service import ROOT

ENVIRONMENTS: Final = ("dev", "staging", "prod")
WAVES: Final = {
    "prometheus": 1,
    "argo-rollouts": 2,
    "jaeger": 2,
    "kyverno": 2,
    "loki": 2,
    "otel-collector": 3,
    "grafana": 3,
    **{f"ports-{environment}": 4 for environment in ENVIRONMENTS},
    "ports-dashboards": 4,
    "platform-dashboards": 4,
}
# The first image of the tests; no registry has it, and kwok does not ask.
FIRST: Final = "sha256:" + "1" * 64

_stand_ins: list[str] = []


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("git") / "ports-platform")
    _stand_ins.extend(made.stand_ins)
    for environment in ENVIRONMENTS:
        made.set_digest(environment, FIRST)
    return made


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with Argo CD as it is out of the box: the health check comes with `cluster.yml`."""
    site = Site(tmp_path_factory.mktemp("cluster"))
    with charts.ClusterForCharts(site, with_health_check=False) as running:
        # A gateway's implementation brings these.
        kinds = module("crds", "sigs.k8s.io/gateway-api") / "config/crd/standard"
        routes = kinds / "gateway.networking.k8s.io_httproutes.yaml"
        running.kubectl("apply", "--server-side", f"--filename={routes}")
        yield running


@pytest.fixture(scope="session")
def applications(cluster: Cluster) -> Applications:
    return Applications(cluster)


@pytest.fixture(scope="session")
def unchecked(cluster: Cluster, applications: Applications, repository: Repository) -> Timeline:
    """How all applications come up without the health check; none is left of them."""
    root = render_root(repository)
    cluster.kubectl("apply", "--server-side", "--filename=-", stdin=root)
    with watched(cluster) as timeline:
        applications.wait_all_well(len(WAVES) + 1)
    applications.delete_all()
    return timeline


@pytest.fixture(scope="session")
def clone(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person types commands: a clone of the repository that Argo CD follows."""
    clone = repository.clone(tmp_path_factory.mktemp("clone") / "ports-platform")
    # Nothing is installed again. .gitignore has `.venv/`, which matches folders and no links.
    (clone / ".venv").symlink_to(ROOT / ".venv")
    with (clone / ".git" / "info" / "exclude").open("a") as ignored:
        ignored.write(".venv\n")
    return clone


@dataclass
class Bootstrap:
    """The output of `cluster.yml` at its first run, and the states of the applications."""

    output: str
    without_image: set[str]
    timeline: Timeline


@pytest.fixture(scope="session")
def platform(
    cluster: Cluster,
    applications: Applications,
    repository: Repository,
    clone: Path,
    request: pytest.FixtureRequest,
) -> Bootstrap:
    """All applications deployed: by `make cluster`, and those of ports by their first image."""
    if any("unchecked" in item.fixturenames for item in request.session.items):  # type: ignore[attr-defined]
        request.getfixturevalue("unchecked")  # it needs a cluster where nothing runs yet
    repository.remove_digests(*ENVIRONMENTS)
    run("git", "pull", "--quiet", cwd=clone)
    with watched(cluster) as timeline:
        manifest = argocd.install_manifest(cluster.site.data)
        output = make_cluster(cluster, clone, f"argocd_manifest={manifest}")
        without_image = {each["metadata"]["name"] for each in applications.all()}
        for environment in ENVIRONMENTS:
            repository.set_digest(environment, FIRST)
        applications.refresh_sets()
        applications.wait_all_well(len(WAVES) + 1)
    return Bootstrap(output, without_image, timeline)


def make_cluster(cluster: Cluster, clone: Path, *variables: str, check: bool = False) -> str:
    """Type the documentation's `make cluster` for the cluster's context, with these variables."""
    words = 'make cluster ARGS="-e cluster_context=NAME"'
    words = words.replace('NAME"', 'NAME --check"') if check else words
    typed = documented("docs/gitops.md", words)
    return terminal.run(
        typed.replace("NAME", " -e ".join((kubernetes.CONTEXT, *variables)))
        # Installed already, beside this checkout.
        + f" --old-file=.venv-ansible/.stamp PLAYBOOK='{ROOT}/.venv-ansible/bin/ansible-playbook'",
        folder=clone,
        seconds=800 if charts.ARE_REAL else 300,
        env={
            "KUBECONFIG": str(kubernetes.kubeconfig(cluster.site)),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_NOCOLOR": "1",
        },
    )


def terminal_environment(cluster: Cluster) -> dict[str, str]:
    """Return the environment of a terminal: kubeconfig, kubectl and helm."""
    return {
        "KUBECONFIG": str(kubernetes.kubeconfig(cluster.site)),
        "PATH": f"{BIN}:{terminal.fresh_environment()['PATH']}",
    }


def render_root(repository: Repository) -> str:
    """The root project and application."""
    chart = "platform/argocd/root"
    values = "--values=platform/adopt.yaml"
    return run(str(BIN / "helm"), "template", "root", chart, values, cwd=repository.path)


def pytest_configure() -> None:
    """The end of the tests ends the cluster as well."""
    scenarios.stop_on_sigterm()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The first scenario waits for the cluster and for two whole deployments.

    With the real charts it waits for one: what Argo CD does without the health check does not
    depend on them.
    """
    if charts.ARE_REAL:
        left = [item for item in items if "unchecked" in item.fixturenames]  # type: ignore[attr-defined]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for item in items:
        item.add_marker(pytest.mark.timeout(900 if charts.ARE_REAL else 400))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what stands in for the real thing, and print one line per scenario."""
    scenarios.report(
        terminalreporter,
        "nodes and pods: kwok; no container runs, probes and policies are not exercised",
        *(
            f"chart: {chart}: a stub of that name (no CHART_STORE)"
            for chart in sorted(set(_stand_ins))
        ),
        "Argo CD: v3.2.0 as local processes; its chart pins 3.4.4, a module of which is not served",
    )

"""A fresh clone beside an empty cluster; the demo's commands as a person types them."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from stack import argocd, kubernetes
from stack.components import Site
from stack.ways import BIN

from tests import checkout, scenarios, terminal
from tests.cluster import charts
from tests.cluster.budgets import LEFT, budgets
from tests.cluster.programs import run
from tests.demo.rig import Rig
from tests.documentation import documented
from tests.platform.image import engine
from tests.service import ROOT

PAGE: Final = "docs/how-to/try-the-whole-loop.md"
SECONDS: Final = 900.0

_stand_ins: list[str] = []


@dataclass
class Person:
    """Somebody with a fresh clone, and what they saw of each command."""

    rig: Rig
    clone: Path
    prometheus: str
    printed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def types(self, words: str, name: str = "") -> str:
        """Type a command of the page, with the rig's addresses; return what it printed."""
        code, printed = self.tries(words, name)
        assert code == 0, f"{words}:\n{printed[-6000:]}"
        return printed

    def tries(self, words: str, name: str = "", **given: str) -> tuple[int, str]:
        """Type a command of the page that may fail; return its exit code and output."""
        base, build = engine.base_image(), engine.build_image()
        flags = f"--quiet {' '.join(engine.LIMITS)} "
        flags += f"--build-arg BASE_IMAGE={base} --build-arg BUILD_IMAGE={build}"
        variables = {
            "DEMO_CONTEXT": kubernetes.CONTEXT,
            "DEMO_REGISTRY": self.rig.registry,
            "DEMO_GIT": self.rig.git,
            "PROMETHEUS": self.prometheus,
            "ENGINE": shlex.join(engine.PODMAN),
            "BUILD_FLAGS": flags,
            "ARGS": f"-e argocd_manifest={argocd.install_manifest(self.rig.site.data)}",
            "PLAYBOOK": f"{ROOT}/.venv-ansible/bin/ansible-playbook",
        }
        typed = documented(PAGE, words)
        variables |= given
        typed += "".join(f" {key}={shlex.quote(value)}" for key, value in variables.items())
        began = time.monotonic()
        code, printed = terminal.attempt(
            typed,
            folder=self.clone,
            seconds=SECONDS,
            env={
                "KUBECONFIG": str(kubernetes.kubeconfig(self.rig.site)),
                "PATH": f"{BIN}:{terminal.fresh_environment()['PATH']}",
            },
        )
        self.printed[name or words] = printed
        self.seconds[name or words] = time.monotonic() - began
        return code, printed


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, str]]:
    """The cluster, and the URL of a Prometheus that knows the budgets of dev and staging alone."""
    folder = tmp_path_factory.mktemp("prometheus") / "data"
    with (
        budgets(folder, {"dev": LEFT, "staging": LEFT}) as prometheus,
        Rig(Site(tmp_path_factory.mktemp("cluster")), prometheus) as running,
    ):
        yield running, prometheus


@pytest.fixture(scope="session")
def person(rig: tuple[Rig, str], tmp_path_factory: pytest.TempPathFactory) -> Person:
    """A person with a clone of this repository; upstream charts, or stand-ins, are in it."""
    clone = tmp_path_factory.mktemp("clone") / "ports-platform"
    checkout.copy_to(clone)
    _stand_ins.extend(charts.put_into(clone / "platform"))
    identity = ("-c", "user.name=Person", "-c", "user.email=person@example.com")
    run("git", "init", "--quiet", "--initial-branch=work", cwd=clone)
    run("git", "add", "--all", "--force", cwd=clone)
    run("git", *identity, "commit", "--quiet", "--message=Start", cwd=clone)
    # Nothing is installed again. The links are no part of the repository.
    with (clone / ".git/info/exclude").open("a") as ignored:
        for name in (".venv", ".venv-ansible"):
            (clone / name).symlink_to(ROOT / name)
            ignored.write(f"{name}\n")
    return Person(rig[0], clone, rig[1])


def pytest_configure() -> None:
    """The end of the tests ends the cluster as well."""
    scenarios.stop_on_sigterm()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A scenario waits for whole commands."""
    scenarios.allow(SECONDS + 300, items, Path(__file__).parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what stands in for the real thing, and print one line per scenario."""
    scenarios.report(
        terminalreporter,
        "cluster: no kind; a real API server as a process, nodes and pods by kwok",
        "Argo CD v3.2.0 and Argo Rollouts: real, as processes that start with their workloads",
        "registry and git host: the real programs as processes, not as the demo's pods",
        "requests and error budgets: a real Prometheus with data of the tests",
        "base image: Debian's Python",
        *(
            f"chart: {chart}: a stub of that name (no CHART_STORE)"
            for chart in sorted(set(_stand_ins))
        ),
    )

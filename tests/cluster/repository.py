"""A git repository as an adopter has it: this checkout's files, at an address of its own."""

import shutil
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from stack.kubernetes import module

from tests import checkout
from tests.cluster.programs import run

STUB: Final = Path(__file__).parent / "stub"
ENVIRONMENTS: Final = Path("platform/argocd/environments")
# What kube-prometheus-stack brings along, from the operator's own module.
MONITORING_KINDS: Final = ("podmonitors", "prometheusrules", "servicemonitors")


class Repository:
    """The repository that Argo CD follows; its main branch is checked out at `path`."""

    def __init__(self, path: Path) -> None:
        """Copy what git tracks, put stand-ins for upstream charts beside it, and commit."""
        self.path = path
        self.url = path.as_uri()
        checkout.copy_to(path)
        self.stand_ins = [
            _stand_in(chart.parent, dependency)
            for chart in sorted(path.glob("platform/**/Chart.yaml"))
            for dependency in YAML(typ="safe").load(chart).get("dependencies", ())
        ]
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")
        self.replace(
            "platform/adopt.yaml",
            "repository: https://github.com/example/ports-platform",
            f"repository: {self.url}",
        )
        self.commit("Adopt the platform")

    def clone(self, path: Path) -> Path:
        """Give a person a clone to work in, and return where it lies."""
        identity = ("--config=user.name=Person", "--config=user.email=person@example.com")
        run("git", "clone", "--quiet", *identity, self.url, str(path))
        return path

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        return run("git", *arguments, cwd=self.path).strip()

    def commit(self, message: str) -> str:
        """Commit whatever changed to main, and return the commit."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)
        return self.head()

    def head(self) -> str:
        """Return main's last commit."""
        return self.git("rev-parse", "main")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that a file must hold."""
        text = (self.path / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (self.path / name).write_text(text.replace(old, new))

    def environment(self, environment: str) -> Path:
        """Path of the file that says what ports runs in an environment."""
        return self.path / ENVIRONMENTS / environment / "ports.yaml"

    def digest(self, environment: str) -> str:
        """Digest that ports runs in an environment."""
        digest: str = YAML(typ="safe").load(self.environment(environment))["image"]["digest"]
        return digest

    def set_digest(self, environment: str, digest: str) -> str:
        """Commit another digest, as the pipeline does when it has published an image."""
        file = self.environment(environment)
        file.write_text(file.read_text().replace(self.digest(environment), digest))
        return self.commit(f"Deploy {digest[:14]} to {environment}")


def _stand_in(chart: Path, dependency: dict[str, str]) -> str:
    """Put the stub where helm looks for a dependency that was fetched; tell what it stands for."""
    name, version = dependency["name"], dependency["version"]
    target = chart / "charts" / name
    if not target.exists():
        shutil.copytree(STUB, target)
        with (target / "Chart.yaml").open("w") as out:
            YAML().dump(
                {"apiVersion": "v2", "name": name, "version": version, "description": "STAND-IN"},
                out,
            )
        if name == "kube-prometheus-stack":
            source = module("crds", "github.com/prometheus-operator/prometheus-operator")
            (target / "crds").mkdir()
            for kind in MONITORING_KINDS:
                file = f"monitoring.coreos.com_{kind}.yaml"
                shutil.copy(source / "example/prometheus-operator-crd" / file, target / "crds")
    return f"{name} {version} ({dependency['repository']})"

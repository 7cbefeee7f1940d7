"""The service chart rendered by helm for a matrix of values, and the expected results of it.

`python -m tests.platform.chart.render` writes the expected results again (`make chart-golden`).
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
CHART = Path("platform/chart")
HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
# A service and an adopter of the tests' own: what is expected changes with the chart alone.
BASE = HERE / "base.yaml"
CASES = sorted((HERE / "cases").glob("*.yaml"))
KUBERNETES = "1.34"
WORKLOADS = ("Deployment", "Rollout")
DIGEST = "sha256:" + "0123456789abcdef" * 4


class RefusedError(Exception):
    """Helm would not render; its message is the error's text."""


def template(*arguments: str, release: str = "harbour", root: Path = ROOT) -> str:
    """Render the chart of a checkout with these arguments of helm.

    Raises:
        RefusedError: The values are not those that the chart takes.
    """
    command = ["helm", "template", release, str(CHART), "--kube-version", KUBERNETES, *arguments]
    return helm(*command[1:], root=root)


def helm(*arguments: str, root: Path = ROOT) -> str:
    """Run the pinned helm in a checkout and return its output.

    Raises:
        RefusedError: It failed.
    """
    program = ROOT / "tools/bin/helm"
    done = subprocess.run(
        [program, *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RefusedError(done.stderr)
    return done.stdout


def case(file: Path) -> str:
    """Render one case of the matrix."""
    return template("--values", str(BASE), "--values", str(file))


def service(name: str, *more: str, root: Path = ROOT) -> str:
    """Render a real service, as an environment would."""
    files = ("platform/adopt.yaml", f"services/{name}/values.yaml")
    values = [part for file in files for part in ("--values", file)]
    given = ["--set", f"environment=dev,image.digest={DIGEST}"]
    return template(*values, *given, *more, release=name, root=root)


def environment(name: str, *more: str) -> str:
    """Render ports as an environment with an image has it."""
    file = f"platform/argocd/environments/{name}/ports.yaml"
    files = ("platform/adopt.yaml", "services/ports/values.yaml", file)
    given = [part for file in files for part in ("--values", file)]
    facts = ("--set", f"environment={name},image.digest={DIGEST}")
    return template(*given, *facts, *more, release="ports")


def services(root: Path = ROOT) -> list[str]:
    """Names of the services that the chart can render."""
    return sorted(file.parent.name for file in root.glob("services/*/values.yaml"))


def objects(manifests: str) -> list[dict[str, Any]]:
    """Parse manifests."""
    return [found for found in YAML(typ="safe", pure=True).load_all(manifests) if found]


def one(manifests: str, kind: str) -> dict[str, Any]:
    """Return the only object of a kind, the prober's apart."""
    (found,) = (each for each in objects(manifests) if each["kind"] == kind and not _probes(each))
    return found


def workload(manifests: str) -> dict[str, Any]:
    """Return what makes the pods of the service: its Deployment or its Rollout."""
    kinds = {each["kind"] for each in objects(manifests) if not _probes(each)}
    (kind,) = kinds.intersection(WORKLOADS)
    return one(manifests, kind)


def _probes(found: dict[str, Any]) -> bool:
    labels = found["metadata"].get("labels", {})
    return bool(labels.get("app.kubernetes.io/component") == "prober")


def main(cases: Sequence[Path] = CASES) -> int:
    """Write the expected results."""
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.yaml"):
        old.unlink()
    for file in cases:
        (GOLDEN / file.name).write_text(case(file))
    return 0


if __name__ == "__main__":
    sys.exit(main())

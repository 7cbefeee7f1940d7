"""Registry and git host: those in the cluster, or those that the person names."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from ruamel.yaml import YAML

from demo.cluster import NAMESPACE
from demo.kubectl import Kubectl, Object

HERE: Final = Path("platform/demo")
# Addresses of platform/demo/hosts.yaml, as nodes and pods reach them.
REGISTRY: Final = "localhost:30500"
GIT: Final = f"git://git.{NAMESPACE}.svc/ports-platform"
REGISTRY_PORT: Final = 5000
GIT_PORT: Final = 9418


@dataclass(frozen=True)
class Hosts:
    """Addresses of the registry and of the git repository.

    Attributes:
        registry: The registry, as nodes reach it.
        git: URL of the repository, as Argo CD reaches it.
        is_own: Whether both run in the demo's cluster.
    """

    registry: str = REGISTRY
    git: str = GIT
    is_own: bool = True

    @contextmanager
    def reached(self, kubectl: Kubectl) -> Iterator["Hosts"]:
        """Yield the same hosts at addresses that this machine reaches."""
        if not self.is_own:
            yield self
            return
        with ExitStack() as stack:
            registry = stack.enter_context(kubectl.forward(NAMESPACE, "registry", REGISTRY_PORT))
            git = stack.enter_context(kubectl.forward(NAMESPACE, "git", GIT_PORT))
            yield Hosts(registry, f"git://{git}/{GIT.rpartition('/')[2]}", is_own=False)


def manifests(root: Path) -> list[Object]:
    """Registry and git host of the demo's cluster.

    Args:
        root: The repository, whose Argo CD chart names the version of the git host's image.
    """
    version = _read(root / "platform/argocd/install/Chart.yaml")[0]["appVersion"]
    return _filled(root / HERE / "hosts.yaml", argocd=version)


def traffic(root: Path, service: str, environments: Sequence[str]) -> list[Object]:
    """Requests to a service in each environment.

    Args:
        root: The repository, whose values name Cloudprober's image and the service's routes.
        service: The service.
        environments: Its environments.
    """
    values = _read(root / "platform/chart/values.yaml")[0]
    image = values["prober"]["image"]
    probes = _read(root / "services" / service / "values.yaml")[0]["prober"]["probes"]
    known = {
        "service": service,
        "port": values["ports"]["http"],
        "path": next(iter(probes.values())),
        "image": f"docker.io/{image['repository']}:{image['tag']}",
    }
    found: list[Object] = []
    for environment in environments:
        found += _filled(root / HERE / "traffic.yaml", environment=environment, **known)
    return found


def _filled(file: Path, **known: Any) -> list[Object]:
    text = Template(file.read_text()).substitute(known)
    return [dict(each) for each in YAML(typ="safe", pure=True).load_all(text)]


def _read(file: Path) -> list[Object]:
    return list(YAML(typ="safe", pure=True).load_all(file.read_text()))

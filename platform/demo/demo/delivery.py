"""Deliver the first image to dev, then a change to every environment."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from demo import cluster, hosts
from demo.applications import Applications
from demo.cluster import NAMESPACE, Place
from demo.errors import DemoError
from demo.hosts import Hosts
from demo.image import Builder
from demo.programs import run
from demo.promotion import Promotion
from demo.repository import OVERLAY, Clone
from demo.steps import Steps

ENVIRONMENTS: Final = ("dev", "staging", "prod")
START_AGAIN: Final = "make demo-down, then make demo"
_VERSION: Final = re.compile(r'^(version = "\d+\.\d+\.)(\d+)(?="$)', re.MULTILINE)
_CHANGED: Final = re.compile(r"\bchanged=(\d+)")


@dataclass(frozen=True)
class Delivery:
    """The demo of one service.

    Attributes:
        place: Where its files lie.
        service: The service.
        hosts: Registry and git host, as the cluster reaches them.
        builder: Builds images.
        steps: The progress.
        prometheus: URL of Prometheus; empty for the one in the cluster.
        arguments: Further arguments of `make cluster`.
    """

    place: Place
    service: str
    hosts: Hosts
    builder: Builder
    steps: Steps
    prometheus: str = ""
    arguments: str = ""

    @property
    def _applications(self) -> Applications:
        return Applications(self.place.kubectl)

    def up(self, context: str) -> None:
        """Bring the checkout's last commit to dev.

        Args:
            context: A context of the person's kubeconfig; empty for a cluster by kind.

        Raises:
            DemoError: A step failed.
        """
        step_of, place = self.steps.step, self.place
        with step_of("cluster", "start docker or podman, or name a context: DEMO_CONTEXT=") as step:
            step.is_changed = cluster.ensure(place, context)
            step.note = place.context()
        with step_of("registry, git host, traffic", self._look(NAMESPACE)) as step:
            step.is_changed = self._host()
            step.note = f"{self.hosts.registry}, {self.hosts.git}"
        with self._reached() as (clone, registry):
            with step_of("commits of this clone", START_AGAIN) as step:
                new = clone.take(str(place.checkout), "HEAD")
                step.is_changed = clone.point_at(self.hosts) or new
                step.note = clone.git("log", "-1", "--format=%h %s", "FETCH_HEAD").strip()
            digest = self._publish(clone, registry)
            with step_of("dev's digest in git", START_AGAIN) as step:
                clone.deploy(self.service, "dev", digest)
                step.is_changed = clone.push()
                step.note = f"main is {clone.head()[:7]}"
        with step_of("Argo CD and all applications", self._look("argocd")) as step:
            step.is_changed = self._install()
            step.note = f"{self._applications.wait_for_all()} Synced and Healthy"
        with step_of(f"{self.service} in dev", self._look(f"{self.service}-dev")) as step:
            self._applications.wait(f"{self.service}-dev", clone.head())
            step.note = "Synced and Healthy"

    def change(self) -> None:
        """Deliver a change to dev, staging and prod.

        The change is the checkout's new commits. Without a new commit, it is a new patch version
        of the service, committed in the demo's clone.

        Raises:
            DemoError: A step failed, or a version was rolled back or held.
        """
        self.place.context()
        step_of, applications = self.steps.step, self._applications
        with self._reached() as (clone, registry):
            with step_of("change", START_AGAIN) as step:
                if not clone.take(str(self.place.checkout), "HEAD"):
                    self._raise_version(clone)
                step.is_changed = True
                step.note = clone.git("log", "-1", "--format=%h %s").strip()
            digest = self._publish(clone, registry)
            with step_of(f"{self.service} in dev", self._look(f"{self.service}-dev")) as step:
                clone.deploy(self.service, "dev", digest)
                step.is_changed = clone.push()
                applications.wait(f"{self.service}-dev", clone.head())
                step.note = digest
            with self._asked() as prometheus:
                promotion = Promotion(clone, self.service, prometheus)
                for source, target in pairwise(ENVIRONMENTS):
                    self._promote(promotion, source, target)
            with step_of("every environment", "repeat make demo-change") as step:
                for environment in ENVIRONMENTS:
                    if (there := clone.digest(self.service, environment)) != digest:
                        raise DemoError(f"{environment}: has {there}, not {digest}")
                step.note = (
                    f"{digest[:19]}, {applications.wait_for_all()} applications Synced and Healthy"
                )

    def _promote(self, promotion: Promotion, source: str, target: str) -> None:
        name = f"{self.service}-{target}"
        with self.steps.step(f"{self.service} in {target}", self._look(name)) as step:
            step.note = promotion.promote(source, target)
            step.is_changed = bool(step.note)
            # The verdict is about a version that Argo CD has applied.
            self._applications.wait(name, promotion.clone.head(), is_healthy=False)
            step.note = "; ".join(filter(None, (step.note, promotion.judge(target))))
            self._applications.wait(name, promotion.clone.head())

    def _host(self) -> bool:
        """Apply registry, git host and traffic, and return whether that changed anything."""
        root, kubectl = self.place.checkout, self.place.kubectl
        own = hosts.manifests(root) if self.hosts.is_own else []
        # Argo CD owns the namespaces of the services as soon as it deploys something there.
        spaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            for name in (f"{self.service}-{environment}" for environment in ENVIRONMENTS)
            if kubectl.get("namespace", name) is None
        ]
        traffic = hosts.traffic(root, self.service, ENVIRONMENTS)
        is_changed = bool(kubectl.apply([*own, *spaces, *traffic]))
        if own:
            kubectl.wait_rolled_out(NAMESPACE, "registry", "git")
        return is_changed

    @contextmanager
    def _reached(self) -> Iterator[tuple[Clone, str]]:
        """Yield the demo's clone, whose origin is the git host, and the registry's address."""
        with self.hosts.reached(self.place.kubectl) as reached:
            clone = Clone.of(self.place.checkout, self.place.clone)
            clone.follow(reached.git)
            yield clone, reached.registry

    @contextmanager
    def _asked(self) -> Iterator[str]:
        """Yield the URL of Prometheus."""
        if self.prometheus:
            yield self.prometheus
            return
        service = ("observability", "prometheus-prometheus", 9090)
        with self.place.kubectl.forward(*service) as address:
            yield f"http://{address}"

    def _publish(self, clone: Clone, registry: str) -> str:
        with self.steps.step("image", "make build shows the whole output of the build") as step:
            digest, step.is_changed = self.builder.publish(clone.path, self.service, registry)
            step.note = digest[:19]
        return digest

    def _install(self) -> bool:
        """Run `make cluster` on the demo's clone, and return whether it changed anything."""
        place = self.place
        variables = {
            "cluster_context": place.context(),
            "platform_root": place.clone,
            "platform_bin": place.checkout / "tools/bin",
            "platform_overlay": OVERLAY,
        }
        given = " ".join(f"-e '{name}={value}'" for name, value in variables.items())
        words = (*self.builder.make, "cluster", f"ARGS={given} {self.arguments}")
        env = {"KUBECONFIG": str(place.kubeconfig), "ANSIBLE_NOCOLOR": "1"}
        return _CHANGED.findall(run(*words, cwd=place.checkout, env=env))[-1:] != ["0"]

    def _raise_version(self, clone: Clone) -> None:
        path = Path("services") / self.service / "pyproject.toml"
        text = (clone.path / path).read_text()
        found = _VERSION.search(text)
        if found is None:
            raise DemoError(f'{path}: has no line like version = "0.1.0"; commit a change yourself')
        line = f"{found[1]}{int(found[2]) + 1}"
        version = line.partition('"')[2]
        text = f"{text[: found.start()]}{line}{text[found.end() :]}"
        clone.write(path, text, f"Release {self.service} {version}")

    def _look(self, namespace: str) -> str:
        return (
            f"kubectl --kubeconfig {self.place.kubeconfig} --namespace {namespace} "
            "get pods,events shows more; then repeat the command"
        )

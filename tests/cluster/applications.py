"""Argo CD's applications as the tests see them: asked for, watched, waited for."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from stack import kubernetes
from stack.cluster import Cluster
from stack.errors import StackError
from stack.ways import tool

from tests.cluster import charts

# Generous: a loaded machine is slow, and the real charts have hundreds of objects.
PATIENCE_SECONDS: Final = 400.0 if charts.ARE_REAL else 150.0
POLL_SECONDS: Final = 0.3
REFRESH_SECONDS: Final = 10.0
REFRESH: Final = "argocd.argoproj.io/refresh=normal"
REFRESH_SET: Final = "argocd.argoproj.io/application-set-refresh=true"

Object = dict[str, Any]


def sync(application: Object) -> str:
    """Synced, OutOfSync or Unknown."""
    status: str = application.get("status", {}).get("sync", {}).get("status", "Unknown")
    return status


def health(application: Object) -> str:
    """Healthy, Progressing, Degraded, Missing or Unknown."""
    status: str = application.get("status", {}).get("health", {}).get("status", "Unknown")
    return status


def is_well(application: Object) -> bool:
    """Is it Synced and Healthy, and no sync under way? A sync that is retried delays a deletion."""
    is_busy = application.get("operation") is not None
    return not is_busy and (sync(application), health(application)) == ("Synced", "Healthy")


def revisions(application: Object) -> set[str]:
    """Commits that it was last compared with."""
    compared = application.get("status", {}).get("sync", {})
    return set(compared.get("revisions") or [compared.get("revision")])


def messages(application: Object) -> str:
    """The message of Argo CD about it: its conditions and its last operation."""
    status = application.get("status", {})
    told = [f"{each['type']}: {each['message']}" for each in status.get("conditions", ())]
    operation = status.get("operationState", {})
    told.append(operation.get("message", ""))
    told += [
        each.get("message", "") for each in operation.get("syncResult", {}).get("resources", ())
    ]
    return "\n".join(told)


@dataclass
class Applications:
    """The applications of a cluster."""

    cluster: Cluster

    def all(self) -> list[Object]:
        """Every application."""
        found: list[Object] = self.cluster.get("applications", "--namespace=argocd")
        return found

    def one(self, name: str) -> Object:
        """An application by its name."""
        found: Object = self.cluster.get("application", name, "--namespace=argocd")
        return found

    def refresh(self, name: str) -> None:
        """Have Argo CD look at git now, as a webhook does, and not at its next round."""
        self.cluster.kubectl(
            "annotate", "--overwrite", "--namespace=argocd", "application", name, REFRESH
        )

    def refresh_sets(self) -> None:
        """Have the application sets look at git now, as a webhook does."""
        self.cluster.kubectl(
            "annotate", "--overwrite", "--namespace=argocd", "applicationsets", "--all", REFRESH_SET
        )

    def wait(
        self, name: str, condition: Callable[[Object], bool], *, refresh: bool = True
    ) -> Object:
        """Wait until an application is as wanted, and return it.

        Argo CD drops a request to look that comes while it is looking, so the request is repeated.
        """
        began = asked = time.monotonic()
        if refresh:
            self.refresh(name)
        while not condition(found := self.one(name)):
            now = time.monotonic()
            if refresh and now > asked + REFRESH_SECONDS:
                self.refresh(name)
                asked = now
            assert now < began + PATIENCE_SECONDS, (
                f"{name}: {sync(found)} {health(found)} at {revisions(found)}: {messages(found)}"
            )
            self.cluster.check()
            time.sleep(POLL_SECONDS)
        return found

    def wait_deployed(self, name: str, commit: str) -> Object:
        """Wait until an application is Synced and Healthy at a commit."""
        return self.wait(name, lambda found: is_well(found) and revisions(found) == {commit})

    def wait_all_well(self, at_least: int) -> list[Object]:
        """Wait until so many applications are there and every one is Synced and Healthy."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (len(found := self.all()) >= at_least and all(map(is_well, found))):
            assert time.monotonic() < deadline, "\n".join(
                f"{each['metadata']['name']}: {sync(each)} {health(each)}: {messages(each)}"
                for each in found
                if not is_well(each)
            )
            self.cluster.check()
            time.sleep(POLL_SECONDS)
        return found

    def delete_all(self) -> None:
        """Delete every application with what it deployed, children after the root."""
        flags = ("--namespace=argocd", "--ignore-not-found", "--timeout=90s")
        self.cluster.kubectl("delete", "application", "root", *flags)
        self.cluster.kubectl("delete", "applicationsets", "--all", *flags)
        self.cluster.kubectl("delete", "applications", "--all", *flags)
        # An application of prod leaves what it deployed.
        self.cluster.kubectl("delete", "namespace", "ports-prod", "--ignore-not-found")


@dataclass
class Timeline:
    """When each application appeared, and when it was first Healthy; seconds since the start."""

    created: dict[str, float] = field(default_factory=dict)
    healthy: dict[str, float] = field(default_factory=dict)
    _start: float = field(default_factory=time.monotonic)

    def note(self, application: Object) -> None:
        """Note what is new about an application."""
        name, now = application["metadata"]["name"], time.monotonic() - self._start
        self.created.setdefault(name, now)
        if health(application) == "Healthy":
            self.healthy.setdefault(name, now)


@contextmanager
def watched(cluster: Cluster) -> Iterator[Timeline]:
    """Watch all applications while the block runs."""
    timeline = Timeline()
    config = f"--kubeconfig={kubernetes.kubeconfig(cluster.site)}"
    command = [tool("kubectl"), config, "get", "applications", "--namespace=argocd"]
    command += ["--watch", "--output=json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout

        def follow() -> None:
            text, decoder = "", json.JSONDecoder()
            for line in output:
                text += line
                if line == "}\n":  # the end of an object, which kubectl indents
                    timeline.note(decoder.decode(text))
                    text = ""

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield timeline
        finally:
            process.terminate()
            thread.join()


def gone(cluster: Cluster, kind: str, name: str, namespace: str) -> bool:
    """Is there no such object?"""
    try:
        cluster.get(kind, name, f"--namespace={namespace}")
    except StackError:
        return True
    return False


def image(cluster: Cluster, environment: str) -> str:
    """The image that ports runs in an environment."""
    deployment = cluster.get("deployment", "ports", f"--namespace=ports-{environment}")
    found: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def replicas(cluster: Cluster, environment: str) -> int:
    """The number of replicas that git wants for ports."""
    deployment = cluster.get("deployment", "ports", f"--namespace=ports-{environment}")
    number: int = deployment["spec"]["replicas"]
    return number


def eventually(condition: object, what: str) -> None:
    """Wait until a condition holds."""
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)

"""The state of Argo CD's applications, read with kubectl."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from demo.errors import DemoError
from demo.kubectl import Kubectl, Object

SPACE: Final = "--namespace=argocd"
REFRESH: Final = "argocd.argoproj.io/refresh=normal"
REFRESH_SET: Final = "argocd.argoproj.io/application-set-refresh=true"
WELL: Final = "Synced Healthy"
POLL_SECONDS: Final = 1.0
REFRESH_SECONDS: Final = 10.0


def state(application: Object | None) -> str:
    """Return the sync status and the health, or that Argo CD is syncing."""
    if application is None:
        return "not created"
    status = application.get("status", {})
    sync = status.get("sync", {}).get("status", "Unknown")
    health = status.get("health", {}).get("status", "Unknown")
    return f"syncing {health}" if application.get("operation") else f"{sync} {health}"


def well(application: Object) -> bool:
    """Tell whether an application is Synced and Healthy, and Argo CD is not syncing it."""
    return state(application) == WELL


def commits(application: Object) -> Collection[Any]:
    """Return the commits that an application was last compared with."""
    sync = application.get("status", {}).get("sync", {})
    return set(sync.get("revisions") or [sync.get("revision")])


@dataclass(frozen=True)
class Applications:
    """The applications of the demo's cluster."""

    kubectl: Kubectl
    seconds: float = 600

    def wait(self, name: str, commit: str, *, is_healthy: bool = True) -> None:
        """Wait until an application is Synced at a commit, and Healthy.

        Args:
            name: The application.
            commit: Commit of the branch that it follows.
            is_healthy: Whether its health counts.

        Argo CD reads git every three minutes. This asks Argo CD every 10 s to read git at once.

        Raises:
            DemoError: Not in time; with the state and Argo CD's message.
        """
        deadline, asked = time.monotonic() + self.seconds, -REFRESH_SECONDS
        while True:
            if time.monotonic() - asked >= REFRESH_SECONDS:
                self._refresh(name)
                asked = time.monotonic()
            found = self.kubectl.get("application", name, SPACE)
            wanted = WELL if is_healthy else "Synced "
            if found and commits(found) == {commit} and state(found).startswith(wanted):
                return
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{name}: {state(found)} after {self.seconds:g} s, not {wanted.strip()} at "
                    f"{commit[:12]}: {_message(found)}"
                )
            time.sleep(POLL_SECONDS)

    def wait_for_all(self) -> int:
        """Wait until every application is Synced and Healthy, and return their number.

        Raises:
            DemoError: Not in time; with the state of each that is not.
        """
        deadline = time.monotonic() + self.seconds
        while True:
            found = self.kubectl.get("applications", SPACE) or []
            ill = [f"{each['metadata']['name']}: {state(each)}" for each in found if not well(each)]
            if found and not ill:
                return len(found)
            if time.monotonic() > deadline:
                told = "; ".join(ill) or "there is no application"
                raise DemoError(f"{told} (after {self.seconds:g} s)")
            time.sleep(POLL_SECONDS)

    def _refresh(self, name: str) -> None:
        annotate = ("annotate", "--overwrite", SPACE)
        if self.kubectl.get("application", name, SPACE):
            self.kubectl.run(*annotate, "application", name, REFRESH)
        else:
            self.kubectl.run(*annotate, "applicationsets", "--all", REFRESH_SET)


def _message(application: Object | None) -> str:
    status = (application or {}).get("status", {})
    told = [each["message"] for each in status.get("conditions", ())]
    told.append(status.get("operationState", {}).get("message", ""))
    return " ".join(filter(None, told)) or "Argo CD has no message"

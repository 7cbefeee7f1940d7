"""The cluster of the demo, by kubectl and a kubeconfig that only the demo uses."""

import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from demo.errors import DemoError
from demo.programs import run

Object = dict[str, Any]
WAIT_SECONDS: Final = 300
_FORWARDED: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig."""

    kubeconfig: Path

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl and return what it printed.

        Raises:
            DemoError: With its words, if it failed.
        """
        return run(*self._command(*arguments), stdin=stdin)

    def get(self, kind: str, *arguments: str) -> Any:
        """Return an object, or the items of a list; None if there is no such object or kind."""
        try:
            text = self.run("get", kind, *arguments, "--ignore-not-found", "--output=json")
        except DemoError as error:
            if "doesn't have a resource type" in str(error):
                return None
            raise
        found = json.loads(text) if text else None
        return found["items"] if found and found["kind"].endswith("List") else found

    def apply(self, objects: Iterable[Object]) -> list[str]:
        """Apply objects, and return the names of those that are new or different."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        told = self.run("apply", "--filename=-", stdin=json.dumps(items))
        return [line.split()[0] for line in told.splitlines() if not line.endswith(" unchanged")]

    def wait_rolled_out(self, namespace: str, *names: str) -> None:
        """Wait until Deployments have all their pods ready.

        Raises:
            DemoError: Not in time.
        """
        for name in names:
            timeout = f"--timeout={WAIT_SECONDS}s"
            self.run("rollout", "status", f"--namespace={namespace}", f"deployment/{name}", timeout)

    @contextmanager
    def forward(self, namespace: str, service: str, port: int) -> Iterator[str]:
        """Forward a free port of this machine to a Service; yield `127.0.0.1:PORT`.

        Raises:
            DemoError: kubectl ended before it forwarded.
        """
        words = ("port-forward", f"--namespace={namespace}", f"service/{service}", f":{port}")
        with subprocess.Popen(  # noqa: S603 - separate words, no shell
            self._command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                told = process.stdout.readline() if process.stdout else ""
                found = _FORWARDED.match(told)
                if not found:
                    raise DemoError(f"kubectl port-forward service/{service}: {told.strip()}")
                yield found[1]
            finally:
                process.terminate()

    def _command(self, *arguments: str) -> list[str]:
        return ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]


def wait_until_gone(kubectl: Kubectl, kind: str, *names: str) -> None:
    """Wait until objects without a namespace are deleted.

    Raises:
        DemoError: Not in time.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while left := [name for name in names if kubectl.get(kind, name)]:
        if time.monotonic() > deadline:
            raise DemoError(f"{kind} {' '.join(left)}: not deleted after {WAIT_SECONDS} s")
        time.sleep(1)

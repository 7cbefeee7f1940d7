"""Wait until Argo Rollouts has decided about the image that an environment's file names.

Prints what the SLOs said after each step. Reads the cluster by `kubectl get` alone; the context is
kubectl's own.

Exit code: 0 if the version is promoted, or if the environment has no Rollout. 1 if the version is
rolled back, held or undecided in time. 2 for a wrong command line.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from promote.environment import digest_in, path_of
from promote.errors import PromotionError
from promote.rollout import has_rollout

POLL_SECONDS: Final = 5.0
# Phases in which a Rollout waits for a person, or for nothing.
DECIDED: Final = {"Healthy": "promoted", "Degraded": "rolled back", "Paused": "held"}

Object = dict[str, Any]


def main(arguments: Sequence[str] | None = None, poll_seconds: float = POLL_SECONDS) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _wait(options, poll_seconds)
    except PromotionError as error:
        print(f"no verdict: {error}", file=sys.stderr)
        return 1


def _wait(options: argparse.Namespace, poll_seconds: float) -> int:
    service, environment = options.service, options.environment
    where = path_of(service, environment)
    try:
        text = (options.root / where).read_text(encoding="utf-8")
    except OSError as error:
        raise PromotionError(f"{where}: {error.strerror}") from error
    if not has_rollout(text, where):
        print(f"{where}: rollout.enabled is off; see the health of the application in Argo CD")
        return 0
    digest = digest_in(text, where)
    deadline = time.monotonic() + options.minutes * 60
    while (found := _decided(service, environment, digest)) is None:
        if time.monotonic() > deadline:
            raise PromotionError(
                f"{digest}: undecided after {options.minutes:g} minutes (--minutes); see "
                f"kubectl --namespace {service}-{environment} get rollout {service}"
            )
        time.sleep(poll_seconds)
    phase, told = found
    print(f"{DECIDED[phase]} in {environment}: {service} {digest}", *told, sep="\n")
    return 0 if phase == "Healthy" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verdict", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=Path(), help="root folder of the repository (default: .)"
    )
    parser.add_argument("--service", required=True, help="for example ports")
    parser.add_argument("--environment", required=True, help="for example prod")
    parser.add_argument(
        "--minutes", type=float, default=30, help="how long to wait for the verdict (default: 30)"
    )
    return parser


def _decided(service: str, environment: str, digest: str) -> tuple[str, list[str]] | None:
    """Return the final phase of a Rollout that has this image, and a line for each analysis."""
    space = f"--namespace={service}-{environment}"
    rollout = kubectl("get", "rollout", service, space)
    status = rollout.get("status", {})
    images = [each["image"] for each in rollout["spec"]["template"]["spec"]["containers"]]
    observed = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
    if not (observed and any(image.endswith(f"@{digest}") for image in images)):
        return None
    if (phase := status.get("phase")) not in DECIDED:
        return None
    version = f"rollouts-pod-template-hash={status['currentPodHash']}"
    runs = kubectl("get", "analysisruns", space, f"--selector={version}")["items"]
    told = [status["message"]] if status.get("message") else []
    return phase, [*told, *map(_line, sorted(runs, key=_created))]


def _created(run: Object) -> str:
    return str(run["metadata"]["creationTimestamp"])


def _line(run: Object) -> str:
    status = run.get("status", {})
    line = f"{status.get('phase', 'Pending')}: {run['metadata']['name']}"
    return f"{line}: {status['message']}" if status.get("message") else line


def kubectl(*arguments: str) -> Object:
    """Run kubectl and return the object that it printed.

    Raises:
        PromotionError: with kubectl's own words, if it failed or is missing.
    """
    command = ["kubectl", *arguments, "--output=json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - separate words, no shell
    except FileNotFoundError as error:
        raise PromotionError("kubectl is missing: install it") from error
    if done.returncode != 0:
        raise PromotionError(f"kubectl {' '.join(arguments[:2])}: {done.stderr.strip()}")
    found: Object = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())

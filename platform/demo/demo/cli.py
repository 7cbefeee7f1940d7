"""Deploy a clone of the platform to a local cluster, and deliver a change there.

`make demo`, `make demo-change` and `make demo-down` call these commands. The demo keeps its files
in `.demo`.

Exit code: 0 if every step succeeded, 1 if one failed, 2 for a wrong command line.
"""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from demo import cluster, pages
from demo.cluster import Place
from demo.delivery import ENVIRONMENTS, Delivery
from demo.errors import DemoError
from demo.hosts import Hosts
from demo.image import Builder
from demo.programs import need
from demo.steps import Steps, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    if bool(options.registry) != bool(options.git):
        print(
            "--registry and --git: give both, or neither to run both in the cluster",
            file=sys.stderr,
        )
        return 2
    began = time.monotonic()
    try:
        need("kubectl", "git", "make")
        told = _run(options)
    except DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    say(f"{told} after {time.monotonic() - began:.0f} s")
    return 0


def _run(options: argparse.Namespace) -> str:
    root = options.root.resolve()
    place = Place(root, root / ".demo")
    hosts = Hosts(options.registry, options.git, is_own=False) if options.registry else Hosts()
    builder = Builder(shlex.split(options.engine), place.tool("crane"))
    steps = Steps()
    delivery = Delivery(
        place, options.service, hosts, builder, steps, options.prometheus, options.cluster_arguments
    )
    if options.what == "down":
        with steps.step("removal", "repeat make demo-down") as step:
            cluster.remove(place, [f"{options.service}-{each}" for each in ENVIRONMENTS])
            if builder.engine:
                builder.remove(options.service)
            step.is_changed = True
        return "Nothing is left"
    if not builder.engine:
        raise DemoError("no container engine is on the PATH: install docker or podman")
    need(builder.engine[0])
    if options.what == "change":
        # The wait for the verdict calls kubectl without a kubeconfig or a context.
        os.environ["KUBECONFIG"] = str(place.kubeconfig)
        delivery.change()
    else:
        delivery.up(options.context)
    say("\n".join(pages.lines(place, options.service, ENVIRONMENTS)))
    return "\n  Changed" if steps.is_changed else "\n  Nothing changed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument(
        "what", choices=("up", "change", "down"), help="start, deliver a change, remove"
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="root folder of the repository (default: .)"
    )
    parser.add_argument("--service", default="ports", help="the service (default: ports)")
    parser.add_argument(
        "--context",
        default="",
        help="context of a cluster without Argo CD (default: kind creates a cluster)",
    )
    parser.add_argument(
        "--engine", default="docker", help="command of the container engine (default: docker)"
    )
    parser.add_argument(
        "--registry",
        default="",
        help="HOST:PORT of a registry without TLS that this machine and the nodes reach"
        " (default: one in the cluster)",
    )
    parser.add_argument(
        "--git",
        default="",
        help="URL of an empty git repository that accepts a push without a login"
        " (default: one in the cluster)",
    )
    parser.add_argument(
        "--prometheus", default="", help="URL of Prometheus (default: the cluster's)"
    )
    parser.add_argument(
        "--cluster-arguments", default="", help="more arguments of the playbook cluster.yml"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

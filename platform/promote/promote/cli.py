"""Create a branch that sets one environment's image of a service in another environment.

Both environments must have error budget left, according to Prometheus. The command refuses if the
budget is spent or if data is missing. It pushes the branch only with --push.

Exit code: 0 if the branch exists or is not needed, 1 for refused, 2 for a wrong command line.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from slo.adoption import load_adoption
from slo.declaration import load_services
from slo.gate import judge
from slo.prometheus import PrometheusError
from slo.source import InvalidDeclarationError

from promote.environment import digest_in, path_of, with_digest
from promote.errors import PromotionError
from promote.repository import commit_in_branch, git, read
from promote.rollout import has_rollout


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    if options.override is not None and not options.override.strip():
        print("--override: must have a reason", file=sys.stderr)
        return 2
    try:
        return _promote(options)
    except (PromotionError, InvalidDeclarationError) as error:
        print(f"not promoted: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="promote", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=Path(), help="root folder of the repository (default: .)"
    )
    parser.add_argument("--service", required=True, help="for example ports")
    for flag, dest, example in (("--from", "source", "staging"), ("--to", "target", "prod")):
        parser.add_argument(
            flag, required=True, dest=dest, metavar="ENVIRONMENT", help=f"for example {example}"
        )
    parser.add_argument("--base", default="main", help="revision to start from (default: main)")
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help="base URL of Prometheus (default: urls.prometheus of platform/adopt.yaml)",
    )
    parser.add_argument(
        "--override",
        metavar="REASON",
        help="promote without error budget; the commit records REASON",
    )
    parser.add_argument("--push", action="store_true", help="push the branch to origin")
    return parser


def _promote(options: argparse.Namespace) -> int:
    root, service, source, target = options.root, options.service, options.source, options.target
    base: str = options.base
    from_path, to_path = path_of(service, source), path_of(service, target)
    digest = digest_in(read(root, base, from_path), from_path)
    before = read(root, base, to_path)
    after = with_digest(before, digest, to_path)
    if after == before:
        print(f"nothing to promote: {target} already runs {digest}")
        return 0

    open_, told = _gate(root, options.prometheus, service, (source, target))
    print(*told, sep="\n")
    if not open_ and options.override is None:
        raise PromotionError(
            "not enough error budget or data, see above (--override 'REASON' promotes anyway)"
        )

    message = [f"Promote {service} from {source} to {target}", "", f"Image: {digest}", "", *told]
    if not open_:
        message += ["", f"Gate-Override: {' '.join(options.override.split())}"]
    branch = f"promote/{service}-{target}-{digest.removeprefix('sha256:')[:12]}"
    diff = commit_in_branch(root, base, branch, to_path, after, "\n".join(message) + "\n")
    print(f"\n{diff}", end="")
    if options.push:
        git(root, "push", "--quiet", "--set-upstream", "origin", branch)
        print(f"\npushed {branch}: open a pull request, which deploys to {target} when merged")
    else:
        print(
            f"\ngit push -u origin {branch} # then open a pull request, which deploys to {target}"
        )
    if has_rollout(after, to_path):
        print(f"after the merge: make verdict SERVICE={service} TO={target}")
    return 0


def _gate(
    root: Path, prometheus: str | None, service: str, environments: Sequence[str]
) -> tuple[bool, list[str]]:
    """Ask for the budgets, as `slo gate` does: are all there, and a line about each."""
    url = prometheus or load_adoption(root).urls.prometheus
    slos = load_services(root, service)[service]
    refused, told = False, []
    for environment in environments:
        try:
            for verdict in judge(url, environment, slos, root):
                refused |= verdict.refused
                word = "no " if verdict.refused else "yes"
                told.append(f"{word} {environment} {service} {verdict.slo.name}: {verdict.reason}")
        except PrometheusError as error:
            refused = True
            told.append(f"no  {environment}: {error}")
    return not refused, told

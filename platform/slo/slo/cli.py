"""Validate SLO declarations, and generate Prometheus rules, alerts and dashboards from them.

Exit code: 0 for success or yes, 1 for an error or no, 2 for a wrong command line.
"""

import argparse
import logging
import math
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from slo import scrape_limits
from slo.adoption import load_adoption
from slo.cardinality import most_series
from slo.contract import Contract
from slo.declaration import load_services
from slo.explain import explain
from slo.gate import judge
from slo.generate import GENERATED, differences, generate, is_apart, scaled_rules, update, write
from slo.model import Slo
from slo.prometheus import PrometheusError, connected
from slo.report.collect import collect
from slo.report.markdown import markdown
from slo.report.page import page
from slo.rules import EVALUATION_INTERVAL, Clock
from slo.scrape_limits import SAMPLES
from slo.source import InvalidDeclarationError
from slo.verify import verify

# Below, the rules' interval would be shorter than a millisecond, Prometheus' smallest unit.
MINIMUM_SCALE = 0.0001

REPORTS: Final = {"md": markdown, "html": page}

_log = logging.getLogger("slo.gate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        answer: int = options.run(options)
    except InvalidDeclarationError as error:
        print(error, file=sys.stderr)
        return 1
    return answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slo", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=Path(), help="root folder of the repository (default: .)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check every services/*/slo.yaml")
    validate.set_defaults(run=_validate)

    generating = commands.add_parser("generate", help="write the generated files")
    generating.add_argument(
        "--scale",
        type=_scale,
        metavar="FACTOR",
        help=f"multiply all durations by FACTOR ({MINIMUM_SCALE} to 1), for game days: write only "
        "the rules, to --output. Prometheus must then scrape every "
        f"{EVALUATION_INTERVAL.seconds} s x FACTOR",
    )
    generating.add_argument("--output", type=Path, help="folder for the rules of --scale")
    generating.set_defaults(run=_generate, parser=generating)

    check = commands.add_parser("check", help="fail if a generated file is out of date")
    check.set_defaults(run=_check)

    explaining = commands.add_parser("explain", help="describe SLOs in words")
    explaining.add_argument(
        "--scale", type=_scale, default=1, metavar="FACTOR", help="multiply durations"
    )
    explaining.set_defaults(run=_explain)

    gate = commands.add_parser("gate", help="fail unless each SLO has data and error budget left")
    gate.add_argument("--override", metavar="REASON", help="succeed anyway, and log REASON")
    gate.set_defaults(run=_gate)

    verifying = commands.add_parser("verify", help="compare selectors with live data")
    verifying.set_defaults(run=_verify)

    reporting = commands.add_parser("report", help="write a report on the objectives")
    reporting.add_argument("--environment", help="only this environment (default: all)")
    reporting.add_argument("--format", choices=REPORTS, default="md", help="default: md")
    reporting.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="end of the report, for example 2026-02-01T12:00:00Z (default: now)",
    )
    reporting.set_defaults(run=_report)

    for command in (gate, verifying, reporting):
        command.add_argument(
            "--prometheus", required=True, metavar="URL", help="base URL of Prometheus"
        )
    for command in (gate, verifying):
        command.add_argument("--environment", required=True, help="for example prod")
    for command in (explaining, gate, verifying, reporting):
        command.add_argument("--service", help="only this service (default: all)")
    return parser


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not MINIMUM_SCALE <= scale <= 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a number between {MINIMUM_SCALE} and 1")
    return scale


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: must be an ISO 8601 time, for example 2026-02-01T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: has no time zone (append Z for UTC)")
    return moment.astimezone(UTC)


def _slos(options: argparse.Namespace) -> list[Slo]:
    declared = load_services(options.root, options.service)
    return [slo for slos in declared.values() for slo in slos]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _validate(options: argparse.Namespace) -> int:
    declared = load_services(options.root)
    generate(options.root)
    for service, slos in declared.items():
        series = sum(most_series(Contract(options.root / "services" / service)).values())
        found = scrape_limits.read(options.root, service)
        limit = min((each[SAMPLES] for each in found if SAMPLES in each.values), default="none")
        count = _count(len(slos), "SLO")
        print(f"{service}: {count}, at most {series} series per pod (limit {limit})")
    return 0


def _generate(options: argparse.Namespace) -> int:
    if (options.scale is None) != (options.output is None):
        options.parser.error("--scale needs --output, and --output needs --scale")
    if options.scale is None:
        changed = update(options.root, generate(options.root))
        print(f"{_count(len(changed), 'file')} changed", *changed, sep="\n  ")
        return 0
    if not is_apart(options.output, options.root):
        options.parser.error(f"--output={options.output}: must not contain {GENERATED} or be in it")
    adoption = load_adoption(options.root)
    clock = Clock(options.scale)
    write(options.output, scaled_rules(options.root, adoption, clock))
    print(f"Prometheus must scrape every {clock.promql(EVALUATION_INTERVAL)} for these rules")
    return 0


def _check(options: argparse.Namespace) -> int:
    stale = differences(options.root, generate(options.root))
    for path in stale:
        print(f"{path}: out of date (run `make generate`)", file=sys.stderr)
    return 1 if stale else 0


def _explain(options: argparse.Namespace) -> int:
    print(*(explain(slo, Clock(options.scale)) for slo in _slos(options)), sep="\n", end="")
    return 0


def _gate(options: argparse.Namespace) -> int:
    override: str | None = options.override
    if override is not None and not override.strip():
        print("--override: must have a reason", file=sys.stderr)
        return 2
    try:
        verdicts = list(
            judge(options.prometheus, options.environment, _slos(options), options.root)
        )
        refused = any(verdict.refused for verdict in verdicts)
        for verdict in verdicts:
            word = "no " if verdict.refused else "yes"
            name = f"{verdict.slo.service} {verdict.slo.name}"
            print(f"{word} {options.environment} {name}: {verdict.reason}")
    except PrometheusError as error:
        refused = True
        print(f"no  {options.environment}: {error}")
    if not refused:
        return 0
    if override is None:
        return 1
    print(f"overridden: {override}")
    _log.warning("gate overridden environment=%s reason=%r", options.environment, override)
    return 0


def _report(options: argparse.Namespace) -> int:
    at = options.at or datetime.now(UTC)
    try:
        with connected(options.prometheus) as server:
            results = list(collect(server, _slos(options), at, options.environment))
    except PrometheusError as error:
        print(f"no report: {error}", file=sys.stderr)
        return 1
    if not results:
        where = options.environment or "any environment"
        print(f"no report: {options.prometheus} has no SLO's data in {where}", file=sys.stderr)
        return 1
    print(REPORTS[options.format](results, at), end="")
    return 0


def _verify(options: argparse.Namespace) -> int:
    wrong = False
    try:
        with connected(options.prometheus) as server:
            slos, now = _slos(options), time.time()
            for finding in verify(server, slos, options.environment, now, options.root):
                wrong |= finding.wrong
                name = f"{options.environment} {finding.slo.service} {finding.slo.name}"
                lines = (f"{'no ' if finding.wrong else 'yes'} {name}: {finding.text}",)
                print(*lines, *finding.details, sep="\n      ")
    except PrometheusError as error:
        wrong = True
        print(f"no  {options.environment}: {error}")
    return 1 if wrong else 0

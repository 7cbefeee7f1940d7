"""Compute series, rates, memory and disk of the platform for a number of services.

The command prints a table of what each component needs and what its chart allows, and the profile
that fits.
Exit code: 0, or 2 for a wrong command line.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from stack import values

from sizing import figures
from sizing.advice import HEADROOM, Line, lines, profile
from sizing.capacity import single
from sizing.demand import Load, needs

MIB = 2**20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    load = Load(
        options.services,
        options.replicas,
        options.series,
        options.requests,
        options.spans,
        options.log_bytes,
        options.nodes,
        options.other_series,
    )
    rooms = single()
    compared = lines(needs(load, rooms), rooms)
    print(_json(load, compared) if options.json else _table(load, compared))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sizing", description=__doc__)
    replicas = values.chart("chart")["replicas"]
    for name, kind, default, meaning in (
        ("services", _natural, 1, "number of services"),
        ("replicas", _natural, replicas, "pods of each service"),
        ("series", _natural, round(figures.POD_SERIES.value), "series of each pod"),
        ("requests", _positive, 1.0, "requests per second to each service, on average"),
        ("spans", _positive, figures.REQUEST_SPANS.value, "spans per request"),
        ("log-bytes", _positive, figures.REQUEST_LOG.value, "bytes of log lines per request"),
        ("nodes", _natural, 3, "nodes of the cluster"),
        ("other-series", _whole, 0, "series of nodes, kubelets and other targets"),
    ):
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=default,
            metavar="N",
            help=f"{meaning} (default: {default:g})",
        )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number of at least 1")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number of at least 0")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be a number of at least 0")
    return number


def _rates(load: Load) -> list[tuple[str, float, str]]:
    return [
        ("pods", load.pods, ""),
        ("series", load.total_series, ""),
        ("samples", load.samples_per_second, "per second"),
        ("spans", load.spans_per_second, "per second"),
        ("log lines", load.log_bytes_per_second / 1000, "kB per second"),
    ]


def _table(load: Load, compared: Sequence[Line]) -> str:
    rates = [f"{name:<12}{number:>14,.0f} {unit}".rstrip() for name, number, unit in _rates(load)]
    head = f"{'component':<12}{'memory MiB':>12}{'limit':>8}{'disk MiB':>12}{'room':>8}  lacks"
    rows = [
        f"{line.component:<12}{line.need.memory / MIB:>12,.0f}{line.room.memory / MIB:>8,.0f}"
        f"{line.need.disk / MIB:>12,.0f}{line.room.disk / MIB:>8,.0f}  {', '.join(line.lacks)}"
        for line in compared
    ]
    chosen = profile(compared)
    note = (
        f"A memory limit must be at least {HEADROOM:g} times the computed memory, "
        "for queries and compaction."
    )
    return "\n".join((*rates, "", head, *map(str.rstrip, rows), "", note, f"profile: {chosen}"))


def _json(load: Load, compared: Sequence[Line]) -> str:
    found = {
        "load": asdict(load),
        "rates": {name.replace(" ", "_"): number for name, number, _ in _rates(load)},
        "components": {
            line.component: {
                "memory_bytes": round(line.need.memory),
                "memory_limit_bytes": line.room.memory,
                "disk_bytes": round(line.need.disk),
                "disk_room_bytes": line.room.disk,
                "lacks": line.lacks,
            }
            for line in compared
        },
        "profile": profile(compared),
    }
    return json.dumps(found, indent=2)


if __name__ == "__main__":
    sys.exit(main())

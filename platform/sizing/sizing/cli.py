"""Compute series, rates, memory and disk of the platform for a number of services.

The command prints a table of what each component needs and what its chart allows, and the profile
that fits. Where one replica of each component is too small, it prints the profile `scaled` too,
where each row is one replica, or all objects in a bucket.
Exit code: 0, or 2 for a wrong command line.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from stack import values

from sizing import figures
from sizing.advice import HEADROOM, Line, lines, profile
from sizing.capacity import scaled, single
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
    compared = {
        name: lines(needs(load, rooms), rooms)
        for name, rooms in (("single", single()), ("scaled", scaled()))
    }
    print(_json(load, compared) if options.json else _text(load, compared))
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


def _text(load: Load, compared: Mapping[str, Sequence[Line]]) -> str:
    rates = [f"{name:<12}{number:>14,.0f} {unit}".rstrip() for name, number, unit in _rates(load)]
    chosen = profile(compared["single"])
    shown = ("single",) if chosen == "single" else ("single", "scaled")
    note = (
        f"A memory limit must be at least {HEADROOM:g} times the computed memory, "
        "for queries and compaction."
    )
    tables = [row for name in shown for row in (*_table(name, compared[name]), "")]
    return "\n".join((*rates, "", *tables, note, f"profile: {chosen}"))


def _table(name: str, compared: Sequence[Line]) -> Iterator[str]:
    numbers = f"{'replicas':>9}{'memory MiB':>12}{'limit':>8}{'disk MiB':>12}{'room':>8}"
    yield f"{name:<12}{numbers}  lacks"
    for line in compared:
        need, room = line.need, line.room
        row = (
            f"{line.component:<12}{room.replicas:>9}"
            f"{need.memory / MIB:>12,.0f}{_limit(room.memory)}"
            f"{need.disk / MIB:>12,.0f}{_limit(room.disk)}  {', '.join(line.lacks)}"
        )
        yield row.rstrip()


def _limit(number: float) -> str:
    return f"{number / MIB:>8,.0f}" if math.isfinite(number) else f"{'-':>8}"


def _json(load: Load, compared: Mapping[str, Sequence[Line]]) -> str:
    found = {
        "load": asdict(load),
        "rates": {name.replace(" ", "_"): number for name, number, _ in _rates(load)},
        "profiles": {
            name: {line.component: _component(line) for line in rows}
            for name, rows in compared.items()
        },
        "profile": profile(compared["single"]),
    }
    return json.dumps(found, indent=2)


def _component(line: Line) -> dict[str, object]:
    need, room = line.need, line.room
    return {
        "replicas": room.replicas,
        "memory_bytes": round(need.memory),
        "memory_limit_bytes": room.memory if math.isfinite(room.memory) else None,
        "disk_bytes": round(need.disk),
        "disk_room_bytes": room.disk if math.isfinite(room.disk) else None,
        "lacks": line.lacks,
    }


if __name__ == "__main__":
    sys.exit(main())

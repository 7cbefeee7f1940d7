"""Break each generated rule on purpose, one at a time, and see that a unit test notices.

Prints a table of all mutants; the exit code is 1 when one survives every test. The tests are the
committed ones: those generated, and those written by hand.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from slo.adoption import load_adoption
from slo.alert_tests import alert_tests
from slo.alerts import burn_alert_name, missing_alert_name, no_ready_pods_name, watchdog_name
from slo.calendar import Calendar
from slo.declaration import find_declarations, load_service
from slo.emit import rule_groups, to_yaml
from slo.generate import GENERATED, service_groups
from slo.model import Slo
from slo.rules import Clock, Group, Rule
from slo.series import (
    EXHAUSTION,
    ON_TARGET,
    REMAINING,
    bad,
    error_ratio,
    of_slo,
    period_ratio,
    total,
)
from slo.windows import BASE_WINDOW, BURN_WINDOWS, BurnWindow, plain
from stack import values

from tests.platform.slo import enforced, months, reading
from tests.platform.slo.canary import committed
from tests.platform.slo.canary_mutants import analysis_mutants
from tests.platform.slo.real import prometheus
from tests.support.probes import declared

ROOT = Path(__file__).parents[3]
PROMTOOL = ROOT / "tools/bin/promtool"
HAND_WRITTEN = Path(__file__).with_name("thresholds.test.yaml")

IMPOSSIBLE = "slo.declaration.impossible"
FAILED = 'http_response_status_code: {prefix: "5"}'
MISSES = (
    'http_response_status_code: "5xx"',
    'http_response_status_code: "5.."',
    'http_response_status_code: ["500", "50[23]"]',
    'code: {prefix: "5"}',
    "http_request_method: get",
)

Change = Callable[[Rule], Rule]


@dataclass(frozen=True)
class Mutant:
    """A change to the rules that `breaks` names, and the tests to ask first."""

    what: str
    breaks: frozenset[str]
    change: Change
    first: str


def replaced(old: str, new: str) -> Change:
    """Replace text of the expression; it must be there."""

    def change(rule: Rule) -> Rule:
        if old not in rule.expr:
            raise ValueError(f"{old!r} is not in {rule.expr!r}")
        return replace(rule, expr=rule.expr.replace(old, new))

    return change


def clause(index: int, change: Callable[[str], str | None]) -> Change:
    """Change one of the conditions that `and` joins; None drops it."""

    def apply(rule: Rule) -> Rule:
        parts = rule.expr.split("\nand\n")
        changed = change(parts[index])
        parts[index : index + 1] = [] if changed is None else [changed]
        return replace(rule, expr="\nand\n".join(parts))

    return apply


def no_hold(rule: Rule) -> Rule:
    """Drop `for`."""
    return replace(rule, hold=rule.hold and rule.hold * 0)


def ungrouped(rule: Rule) -> Rule:
    """Group by the service alone."""
    return replaced("by (service_name, deployment_environment_name)", "by (service_name)")(rule)


def burn_mutants(slo: Slo, window: BurnWindow) -> Iterator[Mutant]:
    """Break one burn alert, and the rules of its long window."""
    name = burn_alert_name(slo, window)
    threshold = window.threshold(slo.objective, slo.period)
    old = f"> {plain(threshold)}"
    alert = frozenset({name})
    above, below, ends, burst = "just above", "just below", "it ends", "a burst"
    few, enough = "[0-9]+ bad events .* too few", "[0-9]+ bad events .* enough"
    for what, change, noticing in (
        ("threshold x 2", replaced(old, f"> {plain(threshold * 2)}"), above),
        ("threshold / 2", replaced(old, f"> {plain(threshold / 2)}"), below),
        ("long window dropped", clause(0, lambda _: None), burst),
        ("short window dropped", clause(1, lambda _: None), ends),
        ("guard removed", clause(2, lambda _: None), few),
        ("guard x 2", clause(2, lambda text: text.replace(" * ", " / 2 * ")), enough),
        ("guard / 2", clause(2, lambda text: text.replace(" * ", " * 2 * ")), few),
        ("guard excludes its minimum", clause(2, lambda text: text.replace(">=", ">")), enough),
        ("for dropped", no_hold, above),
        ("long comparison flipped", clause(0, lambda text: text.replace(" > ", " < ")), above),
        ("short comparison flipped", clause(1, lambda text: text.replace(" > ", " < ")), above),
        ("guard comparison flipped", clause(2, lambda text: text.replace(" >= ", " < ")), above),
    ):
        yield Mutant(f"{name}: {what}", alert, change, f"^{name}: {noticing}")
    rates = frozenset({total(window.long), bad(window.long)})
    yield Mutant(f"{name}: grouping label dropped", rates, ungrouped, f"^{name}: {above}")


def slo_mutants(slo: Slo) -> Iterator[Mutant]:
    """Break the rules that all alerts of one SLO stand on, and its missing-data alert."""
    own = f"^{slo.service} {slo.name}:"
    missing = missing_alert_name(slo)
    answering = (
        ("a target that does not answer is well", replaced(" == 1", "")),
        ("a target that answers is data", _without_recorded),
    )
    for what, change in (
        ("for dropped", no_hold),
        # The counters of a prober do not depend on whether the service answers.
        *(() if slo.total.family.outside else answering),
        ("known targets do not count", lambda rule: _without_half(rule, 0)),
        ("data seen before does not count", lambda rule: _without_half(rule, 1)),
        ("comparison flipped", replaced("unless on", "and on")),
        ("lookback halved", replaced("[1h]", "[30m]")),
        ("grouping label dropped", ungrouped),
    ):
        yield Mutant(f"{missing}: {what}", frozenset({missing}), change, f"^{missing}:")
    base = frozenset({bad(BASE_WINDOW)})
    ratio = frozenset({error_ratio(BASE_WINDOW)})
    period = frozenset({error_ratio(slo.period)})
    subject = f"{slo.service} {slo.name}"
    yield Mutant(f"{subject}: idle divides by zero", ratio, replaced(" > 0", ""), own)
    every = frozenset({total(BASE_WINDOW)})
    yield Mutant(f"{subject}: NaN let through", every, replaced(" > -Inf < Inf", ""), own)
    yield Mutant(f"{subject}: Inf let through", every, replaced(" < Inf", ""), own)
    if slo.apart:
        yield Mutant(f"{subject}: a broken part let through", every, _without_unless, own)
    yield Mutant(f"{subject}: a missing series is no data", base, _without_zero, own)
    mean = f"avg_over_time({of_slo(error_ratio(BASE_WINDOW), slo)}[30d])"
    yield Mutant(
        f"{subject}: period is a mean of ratios",
        period,
        lambda rule: replace(rule, expr=mean),
        own,
    )
    spent = frozenset({EXHAUSTION})
    yield Mutant(f"{subject}: spent is no forecast", spent, _without_or, own)
    yield Mutant(f"{subject}: period one day long", period, replaced("[30d]", "[1h]"), own)


def _without_half(rule: Rule, index: int) -> Rule:
    """Drop one of the two reasons to expect data."""
    known, rest = rule.expr.split("\nunless")
    halves = known.removeprefix("(\n").removesuffix("\n)").split("\n    or\n")
    del halves[index]
    return replace(rule, expr=f"{halves[0]}\nunless{rest}")


def _without_recorded(rule: Rule) -> Rule:
    """Take a target that answers for data, though it does not expose the SLI's series."""
    return replace(rule, expr=re.sub(r"    slo:\S+{[^}]*}\n    and on [^\n]*\n", "", rule.expr))


def _without_unless(rule: Rule) -> Rule:
    return replace(rule, expr=rule.expr.partition("\nunless\n")[0])


def _without_or(rule: Rule) -> Rule:
    return replace(rule, expr=rule.expr.partition("\nor\n")[0])


def _without_zero(rule: Rule) -> Rule:
    return replace(rule, expr=re.sub(r"\nor\n0 \* sum by \([^)]*\) \([^)]*\)", "", rule.expr))


def mutants(service: str, slos: list[Slo]) -> Iterator[tuple[Slo | None, Mutant]]:
    """All mutants of a service."""
    for slo in slos:
        for window in BURN_WINDOWS:
            for mutant in burn_mutants(slo, window):
                yield slo, mutant
        for mutant in slo_mutants(slo):
            yield slo, mutant
    name = watchdog_name(service)
    for what, old, new in (
        ("never fires", "absent(", "group("),
        ("environment label dropped", '"deployment_environment_name", "$1"', '"other", "$1"'),
        ("takes its environment from elsewhere", '"namespace"', '"service_name"'),
        ("looks at other namespaces", f"{service}-(.+)", f"{service}s-(.+)"),
    ):
        yield None, Mutant(f"{name}: {what}", frozenset({name}), replaced(old, new), "watchdog")
    name = no_ready_pods_name(service)
    for what, old, new in (
        ("wants no pods either", "spec_replicas", "status_replicas_available"),
        ("fires for no wanted pods", "> 0\n        unless", ">= 0\n        unless"),
        ("never sees a ready pod", "> 0,", "> 99,"),
        ("looks at other namespaces", "unless on (namespace)", "unless on (deployment)"),
        ("looks at every Rollout", f'owner_name="{service}"', f'owner_name=~"{service}.*"'),
        ("does not know Rollouts", 'owner_kind="Rollout"', 'owner_kind="Deployment"'),
        ("looks at every deployment", f'deployment="{service}"', f'deployment=~"{service}.*"'),
        ("looks in every namespace", f'namespace=~"{service}-.+"', 'namespace=~".+"'),
    ):
        yield None, Mutant(f"{name}: {what}", frozenset({name}), replaced(old, new), name)


@contextmanager
def unchecked(declaration: Path, right: str, wrong: str) -> Iterator[list[Slo]]:
    """Compile a declaration with a selector that misses, the contract check removed."""
    with tempfile.TemporaryDirectory() as scratch, patch(IMPOSSIBLE, return_value=()):
        home = Path(scratch, "services", declaration.parent.name)
        shutil.copytree(declaration.parent, home, ignore=shutil.ignore_patterns("data"))
        text = declaration.read_text()
        if right not in text:
            raise ValueError(f"{right!r} is not in {declaration}")
        (home / declaration.name).write_text(text.replace(right, wrong, 1))
        yield load_service(home / declaration.name)


def contract_mutants(declaration: Path) -> Iterator[tuple[str, str | None]]:
    """Let selectors pass that can never match: the tests generated with them must notice."""
    for wrong in MISSES:
        with (
            unchecked(declaration, FAILED, wrong) as slos,
            tempfile.TemporaryDirectory() as scratch,
        ):
            service, adoption = declaration.parent.name, load_adoption(ROOT)
            groups = service_groups(service, slos, adoption, Clock())
            tests = Path(scratch, "rules.test.yaml")
            tests.write_text(to_yaml(alert_tests(service, slos, groups, adoption)))
            first = f"{slos[0].pascal_name}Burn1h: just above"
            mutant = Mutant(
                f"contract check removed: {wrong}", frozenset(), lambda rule: rule, first
            )
            yield mutant.what, killer(groups, tests, mutant, first)


def mutate(groups: list[Group], slo: Slo | None, mutant: Mutant) -> list[Group]:
    """Apply a mutant to the groups of its SLO, and leave the others' groups out."""
    prefix = slo.group if slo else ""
    kept = [group for group in groups if group.name.startswith(prefix)]
    changed = [
        replace(
            group,
            rules=tuple(
                mutant.change(rule) if rule.name in mutant.breaks else rule for rule in group.rules
            ),
        )
        for group in kept
    ]
    if changed == kept:
        raise ValueError(f"{mutant.what} changes nothing")
    return changed


def regrouped(groups: list[Group], slo: Slo) -> Iterator[tuple[str, list[Group]]]:
    """Group the rules of one SLO wrongly, in turn."""
    pages, tickets, budget = (group for group in groups if group.name.startswith(slo.group))
    together = (*pages.rules, *tickets.rules)
    alerts = tuple(rule for rule in together if rule.is_alert)
    rates = tuple(rule for rule in together if not rule.is_alert)
    yield "all in one group", [replace(pages, rules=together), budget]
    first, rest = replace(pages, rules=rates[:20]), replace(tickets, rules=(*rates[20:], *alerts))
    yield "cut after twenty rules", [first, rest, budget]
    yield "alerts before rates", [replace(pages, rules=pages.rules[::-1]), tickets, budget]
    apart = replace(budget, name="alerts", rules=alerts)
    first, rest = replace(pages, rules=rates[:12]), replace(tickets, rules=rates[12:])
    yield "alerts in a group of their own", [first, rest, budget, apart]
    six = tuple(rule for rule in pages.rules if rule.name.endswith("rate6h"))
    kept = tuple(rule for rule in pages.rules if rule not in six)
    moved = replace(tickets, rules=(*six, *tickets.rules))
    yield "six hours beside the tickets", [replace(pages, rules=kept), moved, budget]


def calendar_mutants(
    slo: Slo, calendar: Calendar, scratch: Path
) -> Iterator[tuple[str, str | None]]:
    """Break the rules of an SLO that holds for a month or a quarter: promtool must notice."""
    adoption, held = load_adoption(ROOT), months.of(slo, calendar)
    groups = service_groups(slo.service, [held], adoption, Clock())
    tests = scratch / "rules.test.yaml"
    tests.write_text(to_yaml(alert_tests(slo.service, [held], groups, adoption)))
    ratio, left = frozenset({period_ratio(held)}), frozenset({REMAINING})
    days = calendar.longest.days
    for what, breaks, change in (
        ("the one before counts too", ratio, replaced(f" and on (slot) {calendar.slot}", "")),
        ("another one counts", ratio, replaced(" % 3", " % 2")),
        ("a new one has no budget", left, _without_or),
        ("its tiles are the last hour's", ratio, replaced(f"[{days}d]", "[1h]")),
        ("exhaustion forgets the budget's growth", frozenset({EXHAUSTION}), _without_growth),
    ):
        mutant = Mutant(
            f"{calendar}: {what}", breaks, change, "begins with its whole budget|grows with"
        )
        own = f"^{held.service} {held.name}:"
        yield mutant.what, killer(mutate(groups, held, mutant), tests, mutant, own)


def probe_mutants(scratch: Path) -> Iterator[tuple[str, str | None]]:
    """Break the rules of an SLO on probes from outside."""
    (slo,) = load_service(declared(scratch))
    adoption, missing = load_adoption(ROOT), missing_alert_name(slo)
    groups = service_groups(slo.service, [slo], adoption, Clock())
    tests = scratch / "probes.test.yaml"
    tests.write_text(to_yaml(alert_tests(slo.service, [slo], groups, adoption)))
    bads = frozenset({bad(BASE_WINDOW), bad(BURN_WINDOWS[0].long)})
    alert = frozenset({missing})
    above, gone = f"^{slo.pascal_name}Burn1h: just above", f"^{missing}: a target that vanished"
    unprobed = f"^{missing}: an environment without a prober"
    for what, breaks, change, first in (
        ("every probe is a good one", bads, replaced("_success{", "_total{"), above),
        ("no prober is no alert", alert, replaced("unless on", "and on"), gone),
        ("a service that answers is data", alert, _answering, gone),
        ("every environment has a prober", alert, replaced("ports-prober", "ports"), unprobed),
    ):
        mutant = Mutant(f"probes: {what}", breaks, change, first)
        yield mutant.what, killer(mutate(groups, slo, mutant), tests, mutant, first)


def _answering(rule: Rule) -> Rule:
    """Take a service that answers for data of its prober."""
    known, _ = rule.expr.split("\nunless")
    return replace(rule, expr=f'{known}\nunless {ON_TARGET} up{{service_name="ports"}} == 1')


def _without_growth(rule: Rule) -> Rule:
    return replace(rule, expr=re.sub(r" - 0\.001 \* slo:events_total:rate1h{[^}]*}", "", rule.expr))


def winter_mutants(slo: Slo, scratch: Path) -> Iterator[tuple[str, str | None]]:
    """Break what only a history shows: how far rules look back, and which slots are the same."""
    held = months.held(slo, scratch / "held")
    truths = months.make(scratch)
    months.backfill(scratch, list(held.values()))
    with prometheus(scratch) as server:
        for calendar in Calendar:
            days, expr = calendar.longest.days, months.ratio_rule(held[calendar]).expr
            for what, wrong in (
                ("looks back two days less", expr.replace(f"[{days}d]", f"[{days - 2}d]")),
                ("mean of tiles", expr.replace("sum_over_time", "avg_over_time", 1)),
            ):
                off = months.furthest(server, held[calendar], wrong, truths[calendar], calendar)
                yield f"{calendar}: {what}", f"{off:.1e} off the raw events" if off > 1e-6 else None
            with patch("slo.calendar.SLOTS", 2):
                again = next(months.returning(server, calendar), None)
            yield f"{calendar}: two slots", f"{again[0]:%F} is {again[1]:%F}" if again else None


def killer(groups: list[Group], tests: Path, mutant: Mutant, others: str) -> str | None:
    """Name what notices the mutant, or None if nothing does."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "rules.yaml").write_text(to_yaml(rule_groups(groups)))
        for file in (tests, HAND_WRITTEN):
            (folder / file.name).write_text(file.read_text())
        asked = [(tests, mutant.first), (tests, others), (HAND_WRITTEN, others)]
        if mutant.breaks == {watchdog_name(tests.parent.name)}:
            asked.append((_of_a_cluster(folder, groups, tests), "Watchdog of"))
        for file, only in asked:
            command = [str(PROMTOOL), "test", "rules", "--run", only, file.name]
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            output = run.stdout + run.stderr
            if "parse error" in output or "no such file" in output:
                raise RuntimeError(f"{mutant.what}: the mutant does not load:\n{output}")
            if run.returncode:
                found = re.search(r"name: (.*?),?\n", output)
                return f"{file.name}: {found.group(1)}" if found else file.name
    return None


def _of_a_cluster(folder: Path, groups: list[Group], tests: Path) -> Path:
    """Write the watchdog's rules as the operator makes them, and its tests; return these."""
    service = tests.parent.name
    committed = values.read(tests.with_name("rules.yaml"))
    found = enforced.watchdog_tests(committed, service, "prod")
    rules = enforced.rules(rule_groups(groups), f"{service}-prod")
    (folder / "enforced.yaml").write_text(to_yaml(rules))
    file = folder / "enforced.test.yaml"
    file.write_text(to_yaml({**found, "rule_files": ["enforced.yaml"]}))
    return file


def main() -> int:
    """Try every mutant and print the table."""
    survivors, tried = [], 0
    for declaration in find_declarations(ROOT):
        service, slos = declaration.parent.name, load_service(declaration)
        groups = service_groups(service, slos, load_adoption(ROOT), Clock())
        tests = ROOT / GENERATED / service / "rules.test.yaml"

        def attempt(
            pair: tuple[Slo | None, Mutant],
            groups: list[Group] = groups,
            tests: Path = tests,
        ) -> tuple[Mutant, str | None]:
            slo, mutant = pair
            others = (
                f"{slo.pascal_name}|{slo.service} {slo.name}:" if slo else "watchdog|NoReadyPods"
            )
            mutated = mutate(groups, slo, mutant)
            # An SLO's rules read those of no other, and promtool evaluates all that it loads.
            own = [each for each in mutated if slo is None or each.name.startswith(slo.group)]
            return mutant, killer(own, tests, mutant, others)

        for slo in slos:
            for what, found in regrouped(groups, slo):
                tried += 1
                wrong = reading.wrong(found)
                print(f"{slo.group}: {what:<40} {wrong[0] if wrong else 'SURVIVED'}")
                survivors += [] if wrong else [what]
        with tempfile.TemporaryDirectory() as scratch:
            found_by_others = itertools.chain(
                contract_mutants(declaration),
                *(calendar_mutants(slos[0], each, Path(scratch)) for each in Calendar),
                winter_mutants(slos[0], Path(scratch)),
                probe_mutants(Path(scratch)),
                analysis_mutants(committed(), Path(scratch)),
            )
            for what, noticed in found_by_others:
                tried += 1
                print(f"{what:<62} {noticed or 'SURVIVED'}", flush=True)
                survivors += [] if noticed else [what]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for mutant, noticed in pool.map(attempt, mutants(service, slos)):
                tried += 1
                print(f"{mutant.what:<62} {noticed or 'SURVIVED'}", flush=True)
                survivors += [] if noticed else [mutant.what]
    print(f"{tried} mutants, {tried - len(survivors)} noticed, {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

"""Break the AnalysisTemplate of ports on purpose: a scenario must notice each change."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.platform.slo.canary import SCENARIOS, Metric, verdict, wrong_value

Change = Callable[[list[Metric]], list[Metric]]


def without(suffix: str) -> Change:
    """Drop the metrics of a kind."""
    return lambda metrics: [each for each in metrics if not each["name"].endswith(suffix)]


def replaced(field: str, old: str, new: str, suffix: str = "") -> Change:
    """Replace text of a query or a condition, in metrics of a kind; it must be there."""

    def change(metrics: list[Metric]) -> list[Metric]:
        changed = copy.deepcopy(metrics)
        for each in changed:
            at = each["provider"]["prometheus"] if field == "query" else each
            if each["name"].endswith(suffix):
                at[field] = at[field].replace(old, new)
        if changed == metrics:
            raise ValueError(f"{old!r} is in no {field} of {suffix or 'any metric'}")
        return changed

    return change


CHANGES: dict[str, Change] = {
    "no minimum of events": without("-events"),
    "the burn rate does not count": without("-burn"),
    "the stable version does not count": without("-against-stable"),
    "few events are not compared with the minimum": replaced("query", ", 348)", ", 1)"),
    "few bad events are not compared with the minimum": replaced("query", ", 5)", ", 0)"),
    "the stable version has no bad events": replaced("query", "{{args.stable-hash}}", "none"),
    "every version is the canary": replaced("query", '="{{args.canary-hash}}"', '=~".*"'),
    "an idle version has no data": replaced("query", "== 1", "== 2"),
    "the minimum is exceeded at once": replaced("successCondition", ">= 348", ">= 3"),
    "too few events fail": replaced("failureCondition", "false", "result[0] <= 1", "-events"),
    "a limit x 10": replaced("failureCondition", "> 1", "> 10", "-against-stable"),
}  # fmt: skip


def analysis_mutants(metrics: list[Metric], folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield each change and the scenario that notices it, None if none does."""
    for what, change in CHANGES.items():
        changed = change(metrics)
        noticing = (
            scenario.name
            for scenario in SCENARIOS
            if verdict(changed, scenario) != scenario.verdict
            or wrong_value(changed, scenario, folder)
        )
        yield f"analysis: {what}", next(noticing, None)

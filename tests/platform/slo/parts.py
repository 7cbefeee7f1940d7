"""Rules of a service and tests of them, SLO by SLO.

For each test, promtool evaluates every rule that it loads. The rules of one SLO read those of no
other, so that tests beside the rules of their SLO alone say the same in a third of the time.
"""

from typing import Any, Final

Yaml = dict[str, Any]
# The name of the part with the alerts about the service itself.
SERVICE: Final = "service"


def parts(rules: Yaml, tests: Yaml, service: str) -> dict[str, tuple[Yaml, Yaml]]:
    """Return rules and their tests by SLO; each test is in one part.

    Args:
        rules: The content of `rules.yaml`.
        tests: The content of `rules.test.yaml`.
        service: The service's name.
    """
    groups: dict[str, list[Yaml]] = {}
    for group in rules["groups"]:
        slos = {rule.get("labels", {}).get("slo", SERVICE) for rule in group["rules"]}
        (slo,) = slos
        groups.setdefault(slo, []).append(group)
    of_alert = {
        rule["alert"]: slo
        for slo, some in groups.items()
        for group in some
        for rule in group["rules"]
        if "alert" in rule
    }
    about = {f"{service} {slo}": slo for slo in groups}
    found: dict[str, tuple[Yaml, Yaml]] = {}
    for slo, some in groups.items():
        names = {group["name"] for group in some}
        own = [
            test
            for test in tests["tests"]
            if {**about, **of_alert}.get(test["name"].partition(":")[0], SERVICE) == slo
        ]
        order = [name for name in tests.get("group_eval_order", ()) if name in names]
        found[slo] = {"groups": some}, {**tests, "group_eval_order": order, "tests": own}
    return found

"""A tenant can neither read, nor alert on, nor write the series of another one.

Each theft succeeds on the server without the enforced label, so that none of these tests passes
because a theft is broken.
"""

import time

from tests.platform.slo.real import Prometheus
from tests.tenants.conftest import OWNER, THIEF, Servers, eventually
from tests.tenants.operated import Object


def found(server: Prometheus, expr: str) -> dict[str, float]:
    """Evaluate now; return each sample's value by its namespace."""
    return {labels.get("namespace", ""): value for labels, value in server.query(expr, time.time())}


def settled(server: Prometheus, expr: str, expected: dict[str, float]) -> None:
    """Wait until a query returns what is expected, and that it stays so."""
    eventually(lambda: found(server, expr) == expected, f"{expr}: {found(server, expr)}")
    time.sleep(3)
    assert found(server, expr) == expected


def test_a_tenant_cannot_scrape_into_the_namespace_of_another(servers: Servers) -> None:
    settled(servers.enforcing, "harbour_ships", {OWNER: 7, THIEF: 666})
    eventually(lambda: len(servers.open.query("harbour_ships", time.time())) == 2, "not scraped")
    assert set(found(servers.open, "harbour_ships")) == {OWNER}


def test_a_rule_reads_its_own_namespace_alone(servers: Servers) -> None:
    settled(servers.enforcing, "every:ships", {THIEF: 666})
    eventually(lambda: found(servers.open, "every:ships") == {"": 673}, "the sum is not stolen")


def test_a_rule_that_asks_for_another_namespace_gets_its_own(servers: Servers) -> None:
    settled(servers.enforcing, "stolen:ships", {THIEF: 666})
    eventually(lambda: OWNER in found(servers.open, "stolen:ships"), "nothing is stolen")


def test_an_alert_on_the_series_of_another_namespace_never_fires(servers: Servers) -> None:
    settled(servers.enforcing, "every:ships", {THIEF: 666})
    assert found(servers.enforcing, 'ALERTS{alertname="Foreign"}') == {}
    eventually(lambda: found(servers.open, 'ALERTS{alertname="Foreign"}'), "no foreign alert")


def test_a_rule_writes_into_its_own_namespace_alone(servers: Servers) -> None:
    settled(servers.enforcing, "own:ships", {OWNER: 7, THIEF: 0})
    eventually(lambda: OWNER in found(servers.open, "own:ships == 0"), "nothing is overwritten")


def recorded(files: list[Object]) -> dict[str, list[str]]:
    """Return the expressions of the recorded series in rule files, by name."""
    found: dict[str, list[str]] = {}
    for file in files:
        for group in file["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    found.setdefault(rule["record"], []).append(rule["expr"])
    return found


def test_where_a_ruler_runs_each_rule_has_one_evaluator(servers: Servers) -> None:
    """The platform's own rules stay in Prometheus, and see every namespace."""
    prometheus, ruler = (recorded(servers.rules[name]) for name in ("prometheus", "thanos-ruler"))
    assert prometheus == {"platform:ships": ["sum(harbour_ships)"]}
    assert set(ruler) == {"own:ships", "stolen:ships", "every:ships"}


def test_a_ruler_keeps_each_rule_in_its_namespace(servers: Servers) -> None:
    files = servers.rules["thanos-ruler"]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    for rule in rules:
        own = rule["labels"]["namespace"]
        if "harbour_ships" in rule["expr"]:
            # A matcher of the tenant's stays beside the operator's: both hold for nothing foreign.
            assert f'namespace="{own}"' in rule["expr"]
    print(sorted(rule["expr"] for rule in rules))
    assert {rule["labels"]["namespace"] for rule in rules} == {OWNER, THIEF}

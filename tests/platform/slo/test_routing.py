"""One table says who is told of every alert, as the real amtool reads the configuration."""

from pathlib import Path

import pytest
from stack import values

from tests.platform.slo import routing
from tests.platform.slo.alertmanager import write_config
from tests.platform.slo.real import run, tool
from tests.platform.slo.routing import Alert

RECEIVER = {"page": "page", "critical": "page", "ticket": "ticket", "warning": "ticket"}


@pytest.fixture(scope="module")
def table() -> list[tuple[Alert, str]]:
    return routing.table()


def test_amtool_takes_the_configuration(tmp_path: Path) -> None:
    assert "SUCCESS" in run(tool("amtool"), "check-config", str(write_config(tmp_path)))


def test_the_table_is_the_one_that_is_committed(table: list[tuple[Alert, str]]) -> None:
    """A difference that is meant: `python -m tests.platform.slo.routing`, and read the diff."""
    assert routing.written(table) == routing.FILE.read_text()


def test_every_owner_is_in_the_table(table: list[tuple[Alert, str]]) -> None:
    services = {file.parent.name for file in values.service_rules()}
    assert {alert.owner for alert, _ in table} == {"kube-prometheus-stack", "platform", *services}
    assert len({alert.name for alert, _ in table if alert.owner == "kube-prometheus-stack"}) > 130


def expected(alert: Alert) -> str:
    if alert.severity == "none":
        return "watchdog" if alert.name.endswith("Watchdog") else "nobody"
    return RECEIVER.get(alert.severity, "nobody")


def test_each_severity_is_routed_to_its_receiver(
    table: list[tuple[Alert, str]],
) -> None:
    severities = {alert.severity for alert, _ in table}
    assert severities == {"page", "ticket", "none", "critical", "warning", "info"}
    wrong = [(alert, receiver) for alert, receiver in table if receiver != expected(alert)]
    assert wrong == []


@pytest.mark.parametrize(
    "name", ["KubeNodeNotReady", "KubeNodeUnreachable", "NodeFilesystemAlmostOutOfSpace"]
)
def test_a_dead_node_and_a_full_disk_page(table: list[tuple[Alert, str]], name: str) -> None:
    assert "page" in {receiver for alert, receiver in table if alert.name == name}


def test_an_alert_of_a_severity_that_nobody_foresaw_is_a_ticket(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    for labels in ({"alertname": "Other"}, {"alertname": "Other", "severity": "urgent"}):
        assert routing.receivers(config, labels) == "ticket"

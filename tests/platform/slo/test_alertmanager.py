"""A real Alertmanager with alerts and the configuration that clusters get."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from slo.alerts import watchdog_name

from tests.e2e.backends import eventually
from tests.platform.slo import alertmanager
from tests.platform.slo.alertmanager import Alertmanager, Labels

ENVIRONMENTS = ("dev", "staging", "prod")
SCALE = 1 / 60  # a minute is a second
WELL_SECONDS, GONE_SECONDS = 5.0, 8.0
# Alertmanager keeps an alert without news for this time; Prometheus says four times a minute.
BELIEVED = timedelta(seconds=2)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with alertmanager.running(tmp_path_factory.mktemp("alertmanager")) as found:
        yield found


def of_slo(severity: str, slo: str | None, environment: str, name: str = "") -> Labels:
    labels = {
        "alertname": name or f"{severity}-{slo}",
        "severity": severity,
        "service_name": "ports",
        "deployment_environment_name": environment,
        "namespace": f"ports-{environment}",
    }
    return labels | ({"slo": slo} if slo else {})


def of_cluster(severity: str, name: str, **labels: str) -> Labels:
    return {"alertname": name, "severity": severity, **labels}


def watchdog(environment: str) -> Labels:
    """The watchdog of ports as its rule makes it under the operator (test_enforced.py)."""
    return of_slo("none", None, environment, watchdog_name("ports"))


def silenced(running: Alertmanager) -> set[tuple[str, str]]:
    """Names and namespaces of the alerts that others inhibit."""
    return {
        (each["labels"]["alertname"], each["labels"].get("namespace", ""))
        for each in running.alerts()
        if each["status"]["inhibitedBy"]
    }


def test_a_page_silences_the_tickets_of_its_slo_and_environment_alone(
    running: Alertmanager,
) -> None:
    running.tell(
        [
            of_slo("page", "availability", "prod"),
            of_slo("ticket", "availability", "prod"),
            of_slo("ticket", "latency", "prod"),
            of_slo("ticket", "availability", "staging"),
            of_slo("ticket", None, "prod"),
        ]
    )
    expected = {("ticket-availability", "ports-prod")}
    # Alertmanager learns of an alert a moment after it was told.
    eventually(
        lambda: {each for each in silenced(running) if each[0].startswith("ticket")} == expected
    )


def test_the_charts_inhibitions_are_kept(running: Alertmanager) -> None:
    running.tell(
        [
            of_cluster("critical", "KubePersistentVolumeFillingUp", namespace="a"),
            of_cluster("warning", "KubePersistentVolumeFillingUp", namespace="a"),
            of_cluster("warning", "KubePersistentVolumeFillingUp", namespace="b"),
            of_cluster("info", "CPUThrottlingHigh", namespace="a"),
            of_cluster("info", "CPUThrottlingHigh", namespace="b"),
            of_cluster("none", "InfoInhibitor", namespace="a"),
        ]
    )

    def found() -> set[tuple[str, str]]:
        # The inhibition of InfoInhibitor itself depends in Alertmanager 0.31 on which alert came
        # last. Its route sends it to nobody anyway.
        told = {each for each in silenced(running) if each[1] in {"a", "b"}}
        return told - {("InfoInhibitor", "a")}

    expected = {
        ("KubePersistentVolumeFillingUp", "a"),
        ("CPUThrottlingHigh", "a"),
    }
    eventually(lambda: found() == expected)


def test_one_message_tells_of_one_trouble(running: Alertmanager) -> None:
    """One message has all burns of an SLO, or all pods of a namespace, and nothing of another."""
    fast, slow = "PortsAvailabilityBurn1h", "PortsAvailabilityBurn6h"
    crash = {"severity": "warning", "name": "KubePodCrashLooping", "namespace": "grouped"}
    running.tell(
        [
            of_slo("page", "grouped", "prod", fast),
            of_slo("page", "grouped", "prod", slow),
            of_slo("page", "grouped", "staging", fast),
            of_cluster(**crash, pod="1"),
            of_cluster(**crash, pod="2"),
            of_cluster(**crash | {"namespace": "grouped-not"}, pod="1"),
            of_cluster("critical", "KubeNodeNotReady", node="1", namespace="grouped"),
            of_cluster("critical", "KubeNodeNotReady", node="2", namespace="grouped"),
        ]
    )
    found = [each for each in running.groups() if "grouped" in str(each[1])]
    prod = {"service_name": "ports", "deployment_environment_name": "prod", "slo": "grouped"}
    pods = {"alertname": "KubePodCrashLooping", "namespace": "grouped"}
    nodes = {"alertname": "KubeNodeNotReady", "namespace": "grouped"}
    assert sorted(found, key=str) == sorted(
        [
            ("page", prod, 2),
            ("page", prod | {"deployment_environment_name": "staging"}, 1),
            ("ticket", pods, 2),
            ("ticket", pods | {"namespace": "grouped-not"}, 1),
            ("page", nodes, 2),
        ],
        key=str,
    )


def heartbeats(running: Alertmanager, since: float) -> set[str]:
    """Addresses of the heartbeats that came since a time."""
    return {
        message.receiver.removeprefix("watchdog/")
        for message in list(running.inbox.messages)
        if message.at >= since and message.receiver.startswith("watchdog")
    }


def test_an_environment_whose_rules_are_gone_misses_its_own_heartbeat(tmp_path: Path) -> None:
    of_the_chart = of_cluster("none", "Watchdog")
    everywhere = [of_the_chart, *(watchdog(each) for each in ENVIRONMENTS)]
    name = watchdog_name("ports").lower()
    with alertmanager.running(tmp_path, SCALE) as running:

        def tell_for(seconds: float, alerts: list[Labels]) -> float:
            began = time.time()
            while time.time() < began + seconds:
                running.tell(alerts, (datetime.now(UTC) + BELIEVED).isoformat())
                time.sleep(0.25)
            return began

        began = tell_for(WELL_SECONDS, everywhere)
        assert heartbeats(running, began) == {
            "watchdog",
            *(f"{name}-{environment}" for environment in ENVIRONMENTS),
        }
        gone = tell_for(GONE_SECONDS, [each for each in everywhere if each != watchdog("prod")])
        # The last may come while Alertmanager still believes it, and a group interval later.
        late = gone + BELIEVED.total_seconds() + 2
        assert heartbeats(running, late) == {"watchdog", f"{name}-dev", f"{name}-staging"}
        for message in running.inbox.messages:
            assert len(message.alerts) == 1, message.body

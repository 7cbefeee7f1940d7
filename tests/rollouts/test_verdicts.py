"""A new version of ports takes traffic step by step; its SLOs promote it, stop it or hold it."""

from collections.abc import Callable

import pytest
from stack.errors import StackError

from tests.documentation import documented
from tests.rollouts.delivery import Rig, committed, eventually
from tests.rollouts.exporter import Traffic

GOOD = Traffic()
IDLE = Traffic(requests=0)
PAGE = "docs/how-to/deliver-step-by-step.md"
PATCH = (
    "kubectl --namespace ports-prod patch rollout ports --subresource status --type merge --patch"
)


def test_the_api_server_accepts_the_committed_template(rig: Rig) -> None:
    rig.cluster.apply([committed()], "--dry-run=server")
    wrong = committed()
    wrong["spec"]["metrics"][0]["interval"] = 60
    with pytest.raises(StackError, match="interval"):
        rig.cluster.apply([wrong], "--dry-run=server")


def test_a_good_version_is_promoted(rig: Rig) -> None:
    service = rig.service("good")
    old = service.status()["stableRS"]
    new = service.release_canary("2", GOOD)
    eventually(lambda: service.versions() == {old: 2, new: 1}, "no canary", service.told)
    took = service.wait("Healthy")
    print(f"  promoted after {took:.0f} s")
    assert service.status()["stableRS"] == new
    eventually(lambda: service.versions() == {new: 2}, "old pods are left")
    assert [each["phase"] for each in service.analyses()] == ["Successful", "Successful"]
    code, told = service.verdict("2")
    assert (code, told[0]) == (0, f"promoted in good: ports sha256:{'2' * 64}")
    assert [line.split(":")[0] for line in told[1:]] == ["Successful", "Successful"]
    # Back to the version before, at once.
    service.release("1")
    eventually(lambda: len(service.versions()) == 2, "no canary", service.told)
    typed(rig, PATCH + """ '{"status": {"promoteFull":""", service.environment)
    assert service.wait("Healthy") < took / 2
    assert service.status()["stableRS"] == old
    service.delete()


@pytest.mark.parametrize(
    ("environment", "traffic", "metric"),
    [
        ("errors", Traffic(failed=0.2), "availability-"),
        ("latency", Traffic(slow=0.4), "latency-"),
    ],
)
def test_a_burst_of_bad_events_rolls_the_version_back(
    rig: Rig, environment: str, traffic: Traffic, metric: str
) -> None:
    service = rig.service(environment)
    old = service.status()["stableRS"]
    new = service.release_canary("2", traffic)
    took = service.wait("Degraded")
    status = service.status()
    print(f"  aborted after {took:.0f} s: {status['message']}")
    assert status["abort"]
    assert (status["stableRS"], status["currentPodHash"]) == (old, new)
    assert f'Metric "{metric}' in status["message"]
    code, told = service.verdict("2")
    assert (code, told[0]) == (1, f"rolled back in {environment}: ports sha256:{'2' * 64}")
    assert status["message"] in told
    eventually(lambda: service.versions() == {old: 2}, "pods of the new version are left")
    # Git goes back as well: nothing is left to roll out, and nothing is analyzed again.
    service.release("1")
    service.wait("Healthy")
    assert len(service.analyses()) == 1
    service.delete()


def test_a_version_without_traffic_is_held_until_it_has_some(rig: Rig) -> None:
    service = rig.service("idle")
    old = service.status()["stableRS"]
    new = service.release_canary("2", IDLE)
    took = service.wait("Paused")
    (analysis,) = service.analyses()
    print(f"  paused after {took:.0f} s: {service.status()['message']}: {analysis['message']}")
    assert service.status()["message"] == "InconclusiveAnalysisRun"
    assert analysis["phase"] == "Inconclusive"
    assert 'Metric "availability-events" assessed Inconclusive' in analysis["message"]
    assert service.versions() == {old: 2, new: 1}
    rig.exporter.default = GOOD
    typed(rig, PATCH + """ '{"status": {"pauseConditions":""", service.environment)
    service.wait("Healthy")
    assert service.status()["stableRS"] == new
    service.delete()


def test_without_the_minimum_of_events_the_idle_version_is_promoted(rig: Rig) -> None:
    """The mutant of the guard: the scenario above would notice it."""
    service = rig.service("unguarded", without="-events")
    new = service.release_canary("2", IDLE)
    service.wait("Healthy")
    assert service.status()["stableRS"] == new
    service.delete()


def test_the_number_of_replicas_passes_to_the_rollout_and_back(rig: Rig) -> None:
    """A Deployment that prod does not prune serves until a person deletes it."""
    service = rig.service("handover")
    numbers = "--set=replicas=6,autoscaling.minReplicas=6"
    service.release("1", numbers)
    service.wait("Healthy")
    assert service.rollout()["spec"]["replicas"] == 6
    ready = watch(service.rig, service.space)
    ready()
    service.release("1", numbers, "--set=rollout.enabled=false")
    eventually(lambda: ready() >= 12, "the Deployment has not all pods")
    typed(rig, "kubectl --namespace ports-prod delete rollout ports", service.environment)
    eventually(lambda: ready() == 6, "the Rollout's pods are left")
    service.release("1", numbers)
    service.wait("Healthy")
    assert service.rollout()["spec"]["replicas"] == 6
    eventually(lambda: ready() >= 12, "the Rollout has not all pods")
    typed(rig, "kubectl --namespace ports-prod delete deployment ports", service.environment)
    eventually(lambda: ready() == 6, "the Deployment's pods are left")
    service.delete()


def test_without_prometheus_the_version_is_rolled_back(rig: Rig) -> None:
    """The last scenario: Prometheus does not come back."""
    service = rig.service("blind")
    old = service.status()["stableRS"]
    rig.stop_prometheus()
    service.release_canary("2", GOOD)
    took = service.wait("Degraded")
    status = service.status()
    print(f"  aborted after {took:.0f} s: {status['message'][:200]}")
    assert status["abort"]
    assert "assessed Error due to consecutiveErrors" in status["message"]
    eventually(lambda: service.versions() == {old: 2}, "pods of the new version are left")
    service.delete()


def watch(rig: Rig, space: str) -> Callable[[], int]:
    """Return a function that counts the ready pods, and fails when they are fewer than six."""

    def ready() -> int:
        selector = "--selector=app.kubernetes.io/component=server"
        pods = rig.cluster.get("pods", selector, space)
        found = [
            condition["type"]
            for pod in pods
            for condition in pod.get("status", {}).get("conditions", ())
            if condition["type"] == "Ready" and condition["status"] == "True"
        ]
        assert len(found) >= 6
        return len(found)

    return ready


def typed(rig: Rig, begin: str, environment: str) -> None:
    """Type a command of the page for an environment of the tests."""
    rig.shell(documented(PAGE, begin).replace("ports-prod", f"ports-{environment}"))

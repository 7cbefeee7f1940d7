"""The autoscaler scales by the real metrics server."""

from tests.e2e.backends import eventually
from tests.node.node import Node
from tests.node.release import Release
from tests.support.harness import Load


def test_pods_are_added_under_load(ports: Release, node: Node) -> None:
    node.measure()
    ports.upgrade(
        autoscaling__enabled="true",
        autoscaling__minReplicas="1",
        autoscaling__maxReplicas="3",
        autoscaling__cpuPercent="50",
    )
    load = Load(8080, clients=8, pause_seconds=0.05, host=ports.address()).start()
    try:
        eventually(lambda: len(ports.pods()) > 1, 180)
        ports.kubectl("wait", "pods", "--for=condition=Ready", f"--selector={SERVER}")
    finally:
        load.stop.set()
        load.join()
    failed = load.refused + load.reset_before + load.broken
    assert failed == 0
    assert load.completed.keys() == {200}


SERVER = "app.kubernetes.io/component=server"

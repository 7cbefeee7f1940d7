"""Argo Rollouts exposes each metric that an alert about deliveries reads."""

import httpx

from tests.e2e.backends import eventually
from tests.rollouts.delivery import Rig
from tests.support import owners

LABELS = {"app": "held"}
HELD = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "held", "namespace": "default"},
    "spec": {
        "replicas": 0,
        "paused": True,
        "selector": {"matchLabels": LABELS},
        "strategy": {"canary": {}},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [{"name": "held", "image": "example.org/held"}]},
        },
    },
}


def test_argo_rollouts_exposes_what_the_alert_reads(rig: Rig) -> None:
    url = rig.cluster.site.addresses.url("rollouts-metrics")

    def paused() -> bool:
        page = httpx.get(f"{url}/metrics").text
        assert owners.missing(owners.ROLLOUTS, [page]) == {}
        (held,) = (line for line in page.splitlines() if line.startswith("rollout_info{"))
        return 'phase="Paused"' in held and 'namespace="default"' in held

    rig.cluster.apply([HELD])
    try:
        assert eventually(paused)
    finally:
        rig.cluster.kubectl("delete", "rollout", "held", "--namespace=default")

"""The way not taken: each Prometheus evaluates the rules, as one alone does."""

import time
from pathlib import Path

import pytest

from tests.platform.slo.real import PORTS
from tests.support.exposition import exposing
from tests.support.harness import wait_for
from tests.thanos import pods
from tests.thanos.conftest import AWAY_SECONDS, ask, recorded
from tests.thanos.deployment import deployed
from tests.thanos.pods import Pod

SLI = 'slo:events_total:rate5m{slo="availability"}'


@pytest.mark.timeout(300)
def test_a_replica_that_was_away_has_a_gap_in_its_sums_and_each_cluster_its_own_sli(
    tmp_path: Path,
) -> None:
    own = {cluster: Pod(cluster, "spanning", 1999, 1) for cluster in ("east", "west")}
    by_path = {pod.path: pod for pod in own.values()}

    def page(path: str) -> bytes:
        return pods.exposition(by_path[path], time.time_ns() // 1_000_000)

    with exposing(page, pods.OPENMETRICS) as port, deployed(tmp_path) as deployment:
        for cluster, pod in own.items():
            deployment.pair(cluster, [pods.job([pod], port)], [PORTS / "rules.yaml"])
        programs = list(deployment.programs)
        deployment.start(*programs)
        deployment.query("query", [name for name in programs if name.startswith("sidecar")])
        deployment.start("query")
        wait_for("each replica records", lambda: recorded(deployment, SLI) == 4)
        start = time.time()
        deployment.kill("prometheus-east-0", "sidecar-east-0")
        time.sleep(AWAY_SECONDS)
        deployment.start("prometheus-east-0", "sidecar-east-0")

        def samples() -> dict[str, int]:
            counted = f"count_over_time({SLI}[{round(time.time() - start)}s])"
            answer = ask(deployment, counted, dedup="false")
            return {
                each["metric"]["prometheus_replica"]: int(each["value"][1])
                for each in answer.get("data", {}).get("result", ())
            }

        wait_for("the replica records again", lambda: len(samples()) == 4)
        counts = samples()
        print(f"\nrecorded in {round(time.time() - start)} s: {counts}")
        assert counts["prometheus-east-0"] + 2 <= counts["prometheus-east-1"]
        # Events of one environment, in as many ratios as it has clusters.
        found = ask(deployment, SLI)["data"]["result"]
        assert [each["metric"]["cluster"] for each in found] == ["east", "west"]

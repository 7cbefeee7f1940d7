"""Readers of SLOs through Query, with all data and with a part: the release gate and dashboards."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from slo import series
from slo.cli import main
from slo.prometheus import PrometheusError, connected
from telemetry import names

from tests.service import ROOT
from tests.support.harness import wait_for
from tests.thanos import flags, pods
from tests.thanos.conftest import ask
from tests.thanos.deployment import Deployment

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("seen")]

NOT_PROBED = (
    "yes spanning ports reachability: not measured: "
    "platform/argocd/environments/spanning/ports.yaml switches no prober on"
)
# Slow requests are the difference of two series. Query takes each from a replica of its own choice,
# so that the difference can be off while it changes replicas: 99.99 % in a run on a busy machine.
ALL = re.compile(
    "yes spanning ports availability: 33\\.33% of the error budget left\n"
    "yes spanning ports latency: (100\\.00|99\\.9\\d)% of the error budget left\n"
    + re.escape(NOT_PROBED)
)
SILENT = "no data now: no target answers its scrape in cluster west"
SHUT = [
    f"no  spanning ports availability: {SILENT}",
    f"no  spanning ports latency: {SILENT}",
    NOT_PROBED,
]
BUDGET = 'sum_over_time(slo:events_total:rate5m{slo="availability"}[30d])'


@pytest.fixture(autouse=True)
def _whole(deployment: Deployment) -> Iterator[None]:
    """Bring back what a test has taken away."""
    yield
    away = [each.name for each in deployment.programs.values() if each.process is None]
    deployment.start(*away)
    wait_for("all data is there", lambda: _targets(deployment) == "3")


def _targets(deployment: Deployment) -> str | None:
    answer = ask(deployment, "count(up)")
    return answer["data"]["result"][0]["value"][1] if answer["status"] == "success" else None


def gate(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], name: str = "query"
) -> tuple[int, list[str]]:
    """Ask the gate about the environment in both clusters; return exit code and lines."""
    capsys.readouterr()
    arguments = ("--prometheus", deployment[name].url, "--environment", "spanning")
    code = main(["--root", str(ROOT), "gate", *arguments, "--service", "ports"])
    return code, capsys.readouterr().out.splitlines()


def is_open(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], name: str = "query"
) -> bool:
    """Tell whether the gate opens, and with the budgets of all events."""
    code, told = gate(deployment, capsys, name)
    return code == 0 and ALL.fullmatch("\n".join(told)) is not None


def test_the_gate_opens_with_all_data(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_open(deployment, capsys), gate(deployment, capsys)


def test_the_gate_opens_while_another_replica_has_all_data(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.kill("prometheus-west-0", "sidecar-west-0", "ruler-1")
    # At first it is shut, because the answer is an error.
    wait_for("the gate opens", lambda: is_open(deployment, capsys))


def test_a_cluster_out_of_reach_shuts_the_gate(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """First Query fails for it; then Query leaves it out without a word, and the gate misses it."""
    deployment.kill("query-west")
    code, told = gate(deployment, capsys)
    assert (code, "Unavailable" in told[0]) == (1, True)

    def left_out() -> bool:
        code, told = gate(deployment, capsys)
        assert code == 1
        return told == SHUT

    wait_for("Query leaves the cluster out", left_out)
    assert "warnings" not in ask(deployment, "count(up)")
    assert _targets(deployment) == "2"


def test_a_cluster_that_lost_both_replicas_shuts_the_gate(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    west = [f"{each}-west-{replica}" for each in ("prometheus", "sidecar") for replica in "01"]
    deployment.kill(*west)
    wait_for("the gate misses the cluster", lambda: gate(deployment, capsys) == (1, SHUT))


def test_a_strict_endpoint_is_never_left_out(deployment: Deployment) -> None:
    """The chart has one such endpoint, the store gateway: nothing else has the past.

    It costs much: while one is away, nobody gets an answer about anything.
    """
    (strict,) = flags.STRICT
    assert strict.startswith("thanos-store-gateway")
    deployment.query("strict", ["sidecar-east-0", "sidecar-east-1"], ["query-west"])
    deployment.start("strict")
    assert ask(deployment, "count(up)", "strict")["status"] == "success"
    deployment.kill("query-west")
    for _ in range(12):  # longer than Query takes to leave out another endpoint
        assert ask(deployment, "count(up)", "strict")["status"] == "error"
        time.sleep(1)


def test_a_part_of_the_data_shuts_the_gate_where_query_gives_parts(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without `--no-query.partial-response` Query warns, and the gate takes no doubtful answer."""
    replicas = [each for each in deployment["query"].command if "replica-label" in each]
    present = ["sidecar-east-0", "sidecar-east-1", "ruler-0", "ruler-1", "query-west"]
    deployment.query("partial", present, ["storegateway"], given=replicas)
    deployment.start("partial")
    assert is_open(deployment, capsys, "partial"), gate(deployment, capsys, "partial")
    deployment.kill("query-west")
    assert len(ask(deployment, "count(up)", "partial")["warnings"]) == 1
    code, (told,) = gate(deployment, capsys, "partial")
    assert (code, "doubts its answer" in told) == (1, True)


def test_without_the_store_gateway_no_budget_is_recorded(deployment: Deployment) -> None:
    """Burn alerts over recent hours go on; sums over the period are refused, not made of a part."""
    deployment.kill("storegateway")
    assert ask(deployment, BUDGET)["status"] == "error"
    assert ask(deployment, "rate(up[5m])")["status"] == "success"

    def health() -> set[str]:
        rules = httpx.get(f"{deployment['ruler-0'].url}/api/v1/rules").json()["data"]["groups"]
        return {
            rule["health"]
            for group in rules
            for rule in group["rules"]
            if rule["name"] == "slo:sli_error:ratio_rate30d" and "reachab" not in group["name"]
        }

    wait_for("the ruler fails to sum over the period", lambda: health() == {"err"})
    last = f"{series.REMAINING}{{slo='availability'}}"
    # Beyond the look back of five minutes the gate finds no budget, and says no.
    assert ask(deployment, last, time=str(time.time() + 300))["data"]["result"] == []
    burning = ask(deployment, 'slo:sli_error:ratio_rate1h{slo="availability"}')
    assert len(burning["data"]["result"]) == 2


def test_exemplars_come_with_their_trace(deployment: Deployment) -> None:
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        answer = httpx.get(
            f"{deployment['query'].url}/api/v1/query_exemplars",
            params={
                "query": f'{names.HTTP_SERVER_DURATION}_bucket{{{names.ENVIRONMENT}="spanning"}}',
                "start": time.time() - 3600,
                "end": time.time(),
            },
        )
        found[:] = answer.raise_for_status().json()["data"]
        return len(found) == 2

    wait_for("exemplars of both clusters", asked)
    assert {each["seriesLabels"]["cluster"] for each in found} == {"east", "west"}
    for each in found:
        assert "prometheus_replica" not in each["seriesLabels"]
        moments = [exemplar["timestamp"] for exemplar in each["exemplars"]]
        assert moments == sorted(set(moments)), "each once, though both replicas have it"
        assert {exemplar["labels"]["trace_id"] for exemplar in each["exemplars"]} == {pods.TRACE}


def test_query_gives_a_hint_as_a_warning_and_the_gate_takes_neither(deployment: Deployment) -> None:
    """Prometheus tells hints about a query from warnings; Query does not."""
    answer = ask(deployment, "rate(up[5m])")
    assert answer["data"]["result"]
    assert "infos" not in answer
    (hint,) = answer["warnings"]
    assert hint.startswith("PromQL info: metric might not be a counter")
    with (
        connected(deployment["query"].url) as server,
        pytest.raises(PrometheusError, match="doubts"),
    ):
        server.query("rate(up[5m])")

"""Replicas of a pair go away and come back; SLI, budget and alerts are of all events, each once."""

import itertools
from typing import Any

import httpx
import pytest
from slo import series
from telemetry import names

from tests.e2e.inbox import Message
from tests.thanos.conftest import PODS, Seen, ask, by_environment
from tests.thanos.deployment import Deployment

pytestmark = pytest.mark.timeout(600)

EXACT, SIX_DIGITS = 1e-9, 1e-6
STEP = 15
COUNTER = f"{names.HTTP_SERVER_DURATION}_count"


def per_second(environment: str, *, is_bad: bool = False) -> int:
    """Events per second of all pods of an environment."""
    own = [pod for each in PODS.values() for pod in each if pod.environment == environment]
    return 1000 * sum(pod.bad if is_bad else pod.good + pod.bad for pod in own)


ENVIRONMENTS = ("failing", "spanning")
EXPECTED = {each: per_second(each) for each in ENVIRONMENTS}


def over(deployment: Deployment, seen: Seen, expr: str) -> list[dict[str, Any]]:
    """Ask for the whole time, at each interval of evaluation."""
    asked = {"query": expr, "start": seen.start, "end": seen.end, "step": STEP}
    answer = httpx.post(f"{deployment['query'].url}/api/v1/query_range", data=asked, timeout=60)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def samples(
    deployment: Deployment, seen: Seen, selector: str, **parameters: str
) -> list[dict[str, Any]]:
    """Return series with all their samples of that time."""
    window = f"{selector}[{round(seen.end - seen.start)}s]"
    answer = ask(deployment, window, time=str(seen.end), **parameters)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def test_each_answer_is_of_all_events_or_an_error(seen: Seen) -> None:
    assert len(seen.answers) > 50
    for answer in seen.answers:
        assert answer == pytest.approx(EXPECTED, rel=EXACT)
    # Until Query has noticed, it refuses to answer without the replica.
    assert all("Series()" in error for error in seen.errors), set(seen.errors)
    print(f"\n{len(seen.answers)} answers, {len(seen.errors)} errors")


def test_every_scraped_sample_is_what_the_pod_counted(deployment: Deployment, seen: Seen) -> None:
    counted = 0
    for cluster, own in PODS.items():
        for pod in own:
            selector = (
                f'{COUNTER}{{cluster="{cluster}", deployment_environment_name="{pod.environment}"}}'
            )
            found = samples(deployment, seen, selector)
            replicas = samples(deployment, seen, selector, dedup="false")
            # Of each status one series, which either replica has.
            assert (len(found), len(replicas)) == (2, 4)
            for one in found:
                rate = pod.good if one["metric"][names.HTTP_STATUS] == "200" else pod.bad
                moments = [moment for moment, _ in one["values"]]
                assert moments == sorted(set(moments))
                for moment, value in one["values"]:
                    assert float(value) == rate * round(moment * 1000)
                    counted += 1
    print(f"\n{counted} samples equal to the pods' own counts")


def test_the_sli_has_a_value_at_each_step_and_it_is_exact(
    deployment: Deployment, seen: Seen
) -> None:
    steps = int((seen.end - seen.start) // STEP) + 1
    for is_bad, name in ((False, "slo:events_total:rate5m"), (True, "slo:events_bad:rate5m")):
        found = over(deployment, seen, f'{name}{{slo="availability"}}')
        assert {one["metric"][names.ENVIRONMENT] for one in found} == set(ENVIRONMENTS)
        for one in found:
            expected = per_second(one["metric"][names.ENVIRONMENT], is_bad=is_bad)
            assert len(one["values"]) == steps
            assert [float(value) for _, value in one["values"]] == pytest.approx(
                [expected] * steps, rel=EXACT
            )


def test_sums_over_the_period_miss_an_evaluation_at_each_loss_at_most(
    deployment: Deployment, seen: Seen
) -> None:
    """A group of rules whose moment falls between the loss and its discovery fails once."""
    losses = 2
    found = samples(deployment, seen, 'slo:events_total:rate5m{slo="availability"}')
    assert len(found) == len(ENVIRONMENTS)
    for one in found:
        moments = [moment for moment, _ in one["values"]]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        print(f"\n{one['metric'][names.ENVIRONMENT]}: {len(moments)} samples, gaps {gaps}")
        assert min(gaps) > 0
        expected = (seen.end - seen.start) / STEP
        # On a busy machine Query may notice after the next moment only.
        assert expected - 2 * losses - 1 <= len(moments) <= expected + 1


def test_the_budget_is_that_of_all_events(deployment: Deployment, seen: Seen) -> None:
    for environment in ENVIRONMENTS:
        ratio = per_second(environment, is_bad=True) / per_second(environment)
        selector = f'{series.REMAINING}{{slo="availability", {names.ENVIRONMENT}="{environment}"}}'
        found = over(deployment, seen, selector)
        (one,) = found
        assert [float(value) for _, value in one["values"]] == pytest.approx(
            [1 - ratio / 0.001] * len(one["values"]), rel=SIX_DIGITS
        )


def pages(messages: list[Message]) -> list[dict[str, str]]:
    """Labels of the alerts of all messages to whom is paged."""
    return [
        alert["labels"] for each in messages if each.receiver == "page" for alert in each.alerts
    ]


def test_two_rulers_send_one_page(deployment: Deployment, seen: Seen) -> None:
    """Each message was sent by one group once; nobody was paged for missing data."""
    found = [each for each in seen.messages if each.receiver == "page"]
    groups = [each.body["groupKey"] for each in found]
    assert len(groups) == len(set(groups)) == 1, groups
    (labels,) = pages(seen.messages)
    assert labels == {
        "cluster": "east",  # of the rulers
        "alertname": "PortsAvailabilityBurn1h",
        "severity": "page",
        "service_name": "ports",
        "deployment_environment_name": "failing",
        "slo": "availability",
        "long_window": "1h",
        "short_window": "5m",
    }
    (alert,) = found[0].alerts
    # The template asks for the time: by Query.
    assert "from=1" in alert["annotations"]["dashboard_url"]
    assert over(deployment, seen, 'ALERTS{alertname=~".*MissingData"}') == []


def test_an_environment_in_two_clusters_has_one_sli(deployment: Deployment, seen: Seen) -> None:
    """The pods have the same instance and name: the cluster's label tells their series apart."""
    found = by_environment(ask(deployment, 'slo:events_total:rate5m{slo="availability"}'))
    assert found == pytest.approx(EXPECTED, rel=EXACT)
    up = f'count(up{{{names.ENVIRONMENT}="spanning"}})'
    assert ask(deployment, up)["data"]["result"][0]["value"][1] == "2"
    # Without the label the two pods would be taken for replicas of each other.
    merged = {"replicaLabels[]": ["prometheus_replica", "thanos_ruler_replica", "cluster"]}
    (one,) = ask(deployment, up, **merged)["data"]["result"]  # type: ignore[arg-type]
    assert one["value"][1] == "1"

"""How the metric contract reads what has no queries: autoscalers and prose."""

import pytest

from tests.e2e import promql, prose

AUTOSCALER = """\
kind: HorizontalPodAutoscaler
spec:
  metrics:
    - type: Resource
      resource:
        name: cpu
    - type: Pods
      pods:
        metric:
          name: http_server_threads_busy
        target: {type: AverageValue, averageValue: "3"}
"""
LIVE = {"http_server_threads", "jobs_done_total", "rows_seconds_bucket", "slo:kept:ratio"}


def test_an_autoscalers_own_metrics_are_read_and_resources_are_not() -> None:
    assert promql.autoscaler_metrics(AUTOSCALER) == ["http_server_threads_busy"]


def test_an_autoscalers_metric_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(AssertionError, match="External"):
        promql.autoscaler_metrics(AUTOSCALER + "    - type: External\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`http_server_threads`", {"http_server_threads"}),
        ("`http_server_thread`, renamed within its family", {"http_server_thread"}),
        ("`nothing_at_all_total`, a counter of no family", {"nothing_at_all_total"}),
        ('```promql\nsum(slo:gone:ratio{a_b="c"})\n```', {"slo:gone:ratio"}),
        ("`rows_seconds` and `http_server_…`", {"rows_seconds", "http_server_"}),
        ("in prose http_server_x, `max_waiting`, `jobs_done_now()`, `a/http_server_x.py`", set()),
        ("a label: `http_server_label`", set()),
    ],
)
def test_words_in_code_that_can_only_be_metrics_are_taken_for_such(
    text: str, expected: set[str]
) -> None:
    assert prose.words(text, LIVE, {"http_server_label"}) == expected


def test_metrics_families_and_beginnings_exist() -> None:
    assert prose.exists("jobs_done_total", LIVE)
    assert prose.exists("rows_seconds", LIVE)
    assert prose.exists("http_server_", LIVE)
    assert not prose.exists("http_server_thread", LIVE)
    assert not prose.exists("slo:gone:ratio", LIVE)

"""Each metric that an alert of the platform reads has an owner that a test asks."""

from tests.service import ROOT
from tests.support import owners


def test_each_component_that_is_asked_elsewhere_has_metrics_and_a_test() -> None:
    for prefixes, test in owners.ELSEWHERE.items():
        assert owners.read_by_alerts(prefixes), prefixes
        assert test is None or "owners." in (ROOT / test).read_text(), test


def test_a_metric_or_a_label_that_nobody_exposes_is_named() -> None:
    given = 'argocd_git_fetch_fail_total{repo="r"} 1\nargocd_app_info{sync_status="Synced"} 1\n'
    assert owners.missing(owners.ARGO_CD, [given]) == {
        "argocd_app_info": {"autosync_enabled", "sync_status", "health_status"},
        "argocd_git_lsremote_fail_total": set(),
    }


def test_metrics_are_read_without_labels_and_functions() -> None:
    assert owners.read_by_alerts(owners.THANOS).keys() >= {
        "thanos_compact_halted", "http_requests_total", "grpc_client_started_total",
        "thanos_query_concurrent_gate_queries_max", "thanos_objstore_bucket_operations_total",
    }  # fmt: skip
    assert owners.read_by_alerts(owners.API_SERVER) == {
        "apiserver_admission_webhook_rejection_count": {"error_type", "name"}
    }
    everything = owners.read_by_alerts(("",)).keys()
    assert "process_start_time_seconds" in everything
    assert not everything & {"service_name", "rule_group", "predict_linear", "label_replace"}

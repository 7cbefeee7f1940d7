"""Alerts about Thanos, which only the profile `scaled` has: elsewhere they have no series.

Prometheus evaluates them, so that they do not depend on what they watch. Tickets, but where the
SLOs' rules are blind: Thanos Ruler evaluates these rules, and asks Thanos Query.
"""

from typing import Final

from slo.operations.alert import Alert, rises
from slo.windows import Severity

RUNBOOK: Final = "docs/runbooks/metrics.md"

_WITHOUT_PODS: Final = (
    'kube_statefulset_replicas{{namespace="observability", statefulset=~"{0}"}} > 0\n'
    "unless on (namespace, statefulset) kube_statefulset_status_replicas_ready > 0"
)
_QUERIES: Final = 'handler=~"query|query_range"'
# Jobs that only the component has a series of: the names of the jobs are the chart's.
_OF_RULER: Final = "and on (job, instance) thanos_alert_queue_capacity"
_OF_QUERY: Final = "and on (job) thanos_query_concurrent_gate_queries_max"
_STARTED: Final = "process_start_time_seconds"
_HOUR: Final = 3600


def _share(failed: str, all_: str) -> str:
    return f"sum by (job) (rate({failed}[5m]))\n/ sum by (job) (rate({all_}[5m])) > 0.05"


ALERTS: Final = (
    Alert(
        "ThanosDown",
        'kube_deployment_spec_replicas{namespace="observability", deployment=~"thanos-query.*"}'
        " > 0\nunless on (namespace, deployment) kube_deployment_status_replicas_available > 0\n"
        f"or\n{_WITHOUT_PODS.format('thanos-(ruler|store).*')}",
        5,
        "A component of Thanos has no ready pod",
        "{{ $labels.deployment }}{{ $labels.statefulset }} serves nothing: rules of SLOs, and "
        "dashboards of long periods, have no data.",
        Severity.PAGE,
    ),
    Alert(
        "ThanosRulerFails",
        # kube-prometheus-stack has the same alert for Prometheus alone: PrometheusRuleFailures.
        f"rate(prometheus_rule_evaluation_failures_total[5m]) > 0\n{_OF_RULER}",
        5,
        "Rules of SLOs fail",
        "Thanos Ruler has no answer for the group {{ $labels.rule_group }}: its alerts cannot "
        "fire.",
        Severity.PAGE,
    ),
    Alert(
        "ThanosRulerIsSilent",
        rises(
            "thanos_alert_sender_alerts_dropped_total",
            "thanos_alert_queue_alerts_dropped_total",
            window="5m",
        ),
        5,
        "Alerts of SLOs reach no Alertmanager",
        "Thanos Ruler drops alerts: nobody is paged.",
        Severity.PAGE,
    ),
    Alert(
        "ThanosRulerPartial",
        rises("thanos_rule_evaluation_with_warnings_total", window="5m"),
        10,
        "Rules of SLOs may see a part of the data",
        "Thanos Query answers Thanos Ruler with warnings: a sidecar or a store does not answer.",
    ),
    Alert(
        "ThanosQueryFails",
        # 422 is a query that fails while it is evaluated: a store does not answer, for instance.
        "(\n"
        + _share(
            f'http_requests_total{{{_QUERIES}, code=~"5..|422"}}',
            f"http_requests_total{{{_QUERIES}}}",
        )
        + "\nor\n"
        + _share('grpc_client_handled_total{grpc_code!~"OK|Canceled"}', "grpc_client_started_total")
        + f"\n)\n{_OF_QUERY}",
        10,
        "Queries fail in Thanos",
        "{{ $labels.job }} fails for {{ $value | humanizePercentage }} of its queries, or of its "
        "requests to sidecars and stores.",
    ),
    Alert(
        "ThanosQueryFull",
        "thanos_query_concurrent_gate_queries_in_flight\n"
        ">= thanos_query_concurrent_gate_queries_max",
        15,
        "Thanos Query evaluates as many queries as it may",
        "Further queries wait at {{ $labels.pod }}: rules and dashboards are late.",
    ),
    Alert(
        "ThanosBucketFails",
        _share(
            "thanos_objstore_bucket_operation_failures_total",
            "thanos_objstore_bucket_operations_total",
        ),
        15,
        "The object storage refuses requests",
        "{{ $value | humanizePercentage }} of the requests of {{ $labels.job }} fail.",
    ),
    Alert(
        "ThanosUploadsNothing",
        "increase(thanos_shipper_uploads_total[5h]) == 0\n"
        f"and on (job, instance) (time() - {_STARTED} > {5 * _HOUR})",
        30,
        "Blocks of Prometheus are not uploaded",
        "{{ $labels.pod }} uploaded no block for five hours; one is due every two hours. Blocks "
        "are lost when the retention of Prometheus ends.",
    ),
    Alert(
        "ThanosCompactHalted",
        "thanos_compact_halted == 1",
        5,
        "The compactor of Thanos has halted",
        "A block contradicts another one. Nothing is compacted, downsampled or deleted until a "
        "person repairs the bucket.",
    ),
    Alert(
        "ThanosCompactLate",
        "increase(thanos_compact_iterations_total[12h]) == 0\n"
        f"and on (job, instance) (time() - {_STARTED} > {12 * _HOUR})",
        30,
        "The compactor of Thanos finished no pass for 12 hours",
        "Queries over long periods grow slow, and nothing is deleted at the end of its retention.",
    ),
)

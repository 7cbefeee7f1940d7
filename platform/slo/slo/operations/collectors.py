"""Alerts about the Collectors, and about targets that expose too many series."""

from typing import Final

from telemetry import names

from slo.operations.alert import Alert, rises

RUNBOOK: Final = "docs/runbooks/pipeline.md"

# The job of a PodMonitor is its namespace and name, that of a ServiceMonitor its Service's name.
_AGENT: Final = 'up{job="observability/otel-agent-agent"}'
_GATEWAY: Final = 'up{job="otel-gateway"}'
_DAEMONSET: Final = '{namespace="observability", daemonset="otel-agent-agent"}'
_FILLED: Final = "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity"
# Labels of a target, without its pod: all pods of a service have one alert.
_SCRAPED: Final = ("job", names.SERVICE_NAME, names.ENVIRONMENT)
_NEAR: Final = 0.9
_SIGNALS: Final = ("spans", "log_records", "metric_points")

ALERTS: Final = (
    Alert(
        "CollectorDown",
        # A node without an agent has no target that could be down: the last part counts nodes.
        f"{_AGENT} == 0\nor\n{_GATEWAY} == 0\nor\n"
        f"absent({_AGENT})\nor\nabsent({_GATEWAY})\nor\n"
        f"kube_daemonset_status_desired_number_scheduled{_DAEMONSET}\n"
        f"> kube_daemonset_status_number_ready{_DAEMONSET}",
        2,
        "A Collector does not answer its scrape, or a node has none",
        "Traces and logs that pass it are missing or late.",
    ),
    Alert(
        "CollectorQueueFilling",
        f"{_FILLED} > 0.5\nor\n(\n  {_FILLED} > 0.1\nand\n"
        "  predict_linear(otelcol_exporter_queue_size[15m], 3600)\n"
        "  > otelcol_exporter_queue_capacity\n)",
        5,
        "A Collector's queue is half full, or full within an hour",
        "The backend of {{ $labels.exporter }} takes less than it is sent; what does not fit "
        "the queue will be refused.",
    ),
    Alert(
        "CollectorLosesData",
        # Data that does not fit a queue is not lost: its sender keeps it (CollectorRefusesData).
        rises(
            *(f"otelcol_exporter_send_failed_{signal}" for signal in _SIGNALS),
            window="5m",
            by="job, exporter",
        ),
        5,
        "A Collector drops data",
        "A backend refuses for good what {{ $labels.exporter }} sends.",
    ),
    Alert(
        "CollectorRefusesData",
        rises(
            *(f"otelcol_receiver_refused_{signal}" for signal in _SIGNALS),
            window="5m",
            by="job, receiver",
        ),
        5,
        "A Collector is out of memory or queue",
        "{{ $labels.receiver }} refuses telemetry; its senders try again.",
    ),
    Alert(
        "CollectorMissesGateway",
        rises(
            'otelcol_loadbalancer_backend_outcome{success="false"}',
            window="5m",
            # The target has an `endpoint` itself.
            by="job, exported_endpoint",
        ),
        5,
        "A gateway's share of the traces is lost",
        "{{ $labels.exported_endpoint }} is away for longer than the agents' queues for it last.",
    ),
    Alert(
        "CollectorForgetsTraces",
        rises(
            "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early",
            window="5m",
            by="job",
        ),
        5,
        "A gateway drops traces before it decides about them",
        "More traces are open than num_traces. Traces with errors are dropped as well.",
    ),
    Alert(
        "SeriesNearLimit",
        # Prometheus counts the samples of a refused scrape too, so that this alert stays.
        f"max by ({', '.join(_SCRAPED)}) (\n"
        "    scrape_samples_post_metric_relabeling / (scrape_sample_limit > 0)\n"
        f") > {_NEAR}",
        5,
        "A target has almost as many series as Prometheus accepts",
        "{{ $labels.job }} is at {{ $value | humanizePercentage }} of its sample limit. Above "
        "100 %, Prometheus refuses the scrape, and SLOs miss the target's events.",
    ),
    Alert(
        "TargetsNearLimit",
        "prometheus_target_scrape_pool_targets\n"
        f"/ (prometheus_target_scrape_pool_target_limit > 0) > {_NEAR}",
        5,
        "A monitor selects almost as many targets as Prometheus accepts",
        "{{ $labels.scrape_job }} is at {{ $value | humanizePercentage }} of its target limit. "
        "Above 100 %, Prometheus scrapes none of its targets.",
    ),
)
